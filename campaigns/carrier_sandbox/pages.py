"""The stand-in's page: every phone, what arrived on it, and a line to answer."""

from html import escape

from campaigns.carrier_sandbox.twilio import CarrierSandbox, Text

STYLE = """
:root{color-scheme:light dark;--ground:light-dark(#f6f5f2,#16181b);--card:light-dark(#fff,#1f2226);
--ink:light-dark(#22252a,#e8e6e1);--soft:light-dark(#5d636c,#a3a8b0);--line:light-dark(#dcdad4,#373b41);
--accent:light-dark(#1f5f8b,#7db6dd);--on-accent:light-dark(#fff,#0e1a24);--tint:light-dark(#e3eef6,#213746)}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
.banner{margin:0;padding:.5rem 1rem;background:var(--tint);border-bottom:1px solid var(--line);font-size:.875rem;
text-align:center}main{max-width:64rem;margin:1.5rem auto;padding:0 1rem}h1{font-size:1.375rem;margin:0 0 1rem}
.phones{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));align-items:start}
.phone{background:var(--card);border:1px solid var(--line);border-radius:1rem;padding:1rem}
h2{font-size:1rem;margin:0 0 .5rem;font-variant-numeric:tabular-nums}
ol{list-style:none;margin:0 0 .75rem;padding:0;display:grid;gap:.5rem}
li{border-radius:.75rem;padding:.5rem .75rem;white-space:pre-wrap;overflow-wrap:anywhere;max-width:90%}
.in{background:var(--tint)}.out{background:var(--accent);color:var(--on-accent);justify-self:end}
small{display:block;color:var(--soft);white-space:normal}.out small{color:inherit}
form{display:flex;gap:.5rem}input{flex:1;min-width:0}input,button{min-height:2.5rem;padding:.4rem .75rem;
border:1px solid var(--line);border-radius:.5rem;background:var(--ground);color:inherit;font:inherit}
button{cursor:pointer}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.mails{list-style:none;margin:0;padding:0;display:grid;gap:.5rem}.mails li{background:var(--card);max-width:none;
border:1px solid var(--line)}a{color:var(--accent)}.mails a,nav a{display:inline-block;min-height:1.5rem}
nav{display:flex;gap:1rem;margin:0 0 1rem}iframe{width:100%;height:36rem;border:1px solid var(--line);
border-radius:.5rem;background:#fff}pre{white-space:pre-wrap;overflow-wrap:anywhere}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
"""
FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Carrier sandbox</title><link rel="icon" href="data:,"><style>{style}</style></head>
<body><p class="banner" role="note">Carrier sandbox: a stand-in, no phone network and no mail server. It forgets the
phones when it stops.</p><main><nav aria-label="Stand-ins"><a href="/">Phones</a> <a href="/mail">Mail</a></nav>
<h1>{title}</h1>{content}</main></body></html>
"""
NOTHING = "<p>No text has arrived yet. Each phone appears here with its first one.</p>"


def phones_page(sandbox: CarrierSandbox) -> str:
    cards = [_phone(phone, texts, phone in sandbox.stopped) for phone, texts in sandbox.threads().items()]
    content = f'<div class="phones">{"".join(cards)}</div>' if cards else NOTHING
    return framed("Phones", content)


def framed(title: str, content: str) -> str:
    return FRAME.format(style=STYLE, title=title, content=content)


def _phone(number: str, texts: list[Text], is_stopped: bool) -> str:
    phone = escape(number, quote=True)
    note = "<small>Wrote STOP: nothing more is delivered here until START.</small>" if is_stopped else ""
    return (
        f'<section class="phone" aria-label="Phone {phone}"><h2>{phone}</h2>{note}'
        f"<ol>{''.join(_text(text) for text in texts)}</ol>"
        f'<form method="post" action="/reply"><input type="hidden" name="phone" value="{phone}">'
        f'<label class="hidden" for="to-{phone}">Answer from {phone}</label>'
        f'<input id="to-{phone}" name="body" maxlength="1600" autocomplete="off" placeholder="Answer, or STOP">'
        f"<button>Send</button></form></section>"
    )


def _text(text: Text) -> str:
    how = f"{text.status}{f', error {text.error}' if text.error else ''}" if text.is_ours else "answered"
    return (
        f'<li class="{"in" if text.is_ours else "out"}">{escape(text.body)}'
        f"<small>{text.at:%H:%M:%S} UTC, {how}</small></li>"
    )
