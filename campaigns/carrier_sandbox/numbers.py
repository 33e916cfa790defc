"""Numbers that go wrong on purpose. The first five are Twilio's own (https://www.twilio.com/docs/iam/test-credentials)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`status` and `code`: what the request is answered with. `is_taken`: the text arrives all the same. `report`: the
    error code of an undelivered one."""

    status: int = 201
    code: int = 0
    is_taken: bool = False
    report: int = 0
    is_held: bool = False
    retry_after: int = 0


FAULTS = {
    "+15005550001": Fault(400, 21211),
    "+15005550002": Fault(400, 21612),
    "+15005550003": Fault(400, 21408),
    "+15005550004": Fault(400, 21610),
    "+15005550009": Fault(400, 21614),
    # Ours from here on: taken, and then reported as undelivered …
    "+15005550101": Fault(is_taken=True, report=30005),
    "+15005550102": Fault(is_taken=True, report=30003),
    # … too many requests, wrong credentials, an error after it was taken, no answer after it was taken.
    "+15005550103": Fault(429, 20429, retry_after=30),
    "+15005550104": Fault(401, 20003),
    "+15005550105": Fault(500, 0, is_taken=True),
    "+15005550106": Fault(is_taken=True, is_held=True),
}
MESSAGES = {
    20001: "Unknown parameter",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid 'From' Number",
    21408: "Permission to send an SMS has not been enabled for the region",
    21602: "Message body is required.",
    21603: "A 'From' phone number or a 'MessagingServiceSid' is required.",
    21606: "The 'From' number is not a valid, message-capable number",
    21609: "The 'StatusCallback' URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' phone number is not currently reachable",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
}
