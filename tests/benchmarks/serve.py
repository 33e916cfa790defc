"""`python -m tests.benchmarks.serve`: the web server of `make run` alone, without worker, beat and stand-in."""

from waitress.server import create_server

from config.wsgi import application


def main() -> None:
    from django.conf import settings  # noqa: PLC0415 (only once the application is made)

    server = create_server(application, host="127.0.0.1", port=settings.PORT, threads=8)
    print("serving", flush=True)
    server.run()


if __name__ == "__main__":
    main()
