"""An e-mail as a page of HTML, which the most backward of readers draws as it is meant. Pure."""

import html
import re
from functools import cache

import css_inline

from campaigns import rich_text

# What is around the words, and what stands in them; `_shell` and `as_page` write both into the elements, for many
# readers drop style sheets.
FRAME = """
body { margin: 0; padding: 0; background: #f2f4f7; }
.around { padding: 24px 12px; background: #f2f4f7; }
.page { max-width: 560px; margin: 0 auto; table-layout: fixed; }
.sheet, .foot { text-align: left; color: #1d2433;
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.sheet { padding: 32px; overflow-wrap: anywhere; word-break: break-word; background: #ffffff; border-radius: 12px; }
.foot { padding: 16px 32px 0; color: #5c6577; font-size: 13px; }
.foot a { color: #5c6577; }
"""
WORDS = """
p { margin: 0 0 16px; }
a { color: #1f5fc4; }
h1 { margin: 0 0 16px; font-size: 20px; line-height: 1.3; }
ul, ol { margin: 16px 0; padding-left: 24px; }
blockquote { margin: 16px 0; padding-left: 14px; border-left: 3px solid #c9d0da; }
.facts { border-collapse: collapse; margin: 0 0 20px; }
.facts th, .facts td { padding: 4px 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.facts th { padding-right: 20px; color: #5c6577; font-weight: 400; white-space: nowrap; }
.hush { color: #5c6577; font-size: 14px; }
.press { margin: 0 0 16px; }
.button { border-radius: 8px; background: #0b6b6b; }
.button a { display: inline-block; padding: 10px 18px; color: #ffffff; text-decoration: none; font-weight: 600; }
"""
DARK = """
@media (prefers-color-scheme: dark) {
  body, .around { background: #12161d !important; }
  .sheet { background: #1c222c !important; color: #e6e9ef !important; }
  a { color: #8ab4f8 !important; }
  .button a { color: #ffffff !important; }
  .hush, .facts th, .foot, .foot a { color: #9aa4b5 !important; }
}
"""
# Outlook on Windows draws with Word: it knows no max-width, no padding of links, and of several fonts none.
WORD_HEAD = """<!--[if mso]><style>td, th, p, h1, a { font-family: Arial, sans-serif !important; }
.button { padding: 10px 18px !important; }</style><![endif]-->"""
WORD_OPENS = (
    '<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0"><tr><td><![endif]-->'
)
WORD_CLOSES = "<!--[if mso]></td></tr></table><![endif]-->"
# Where the page is cut open; no reader and no writer of HTML changes it.
CUT = "tandem-cut"
FOOT = f'<tr><td class="foot"><a href="{CUT}">Stop these e-mails</a></td></tr>'


def as_page(body: str, *, title: str = "", unsubscribe_url: str = "") -> str:
    """HTML as an e-mail page, styles inlined, readable in the dark."""
    before, between, *after = _shell(has_foot=bool(unsubscribe_url))
    words = _inliner().inline_fragment(body, WORDS)
    return f"{before}{html.escape(title)}{between}{words}{html.escape(unsubscribe_url).join(after)}"


@cache
def _shell(*, has_foot: bool) -> tuple[str, ...]:
    """The page around the words, cut open where title, words and the address below come; made once, for that takes
    several times as long as the words of a message."""
    keeping = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
    return tuple(keeping.inline(_page(FOOT if has_foot else "")).split(CUT))


def _page(foot: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<title>{CUT}</title><style>{FRAME}{WORDS}{DARK}</style>{WORD_HEAD}</head><body>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="around" align="center">
{WORD_OPENS}<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0">
<tr><td class="sheet">{CUT}</td></tr>{foot}
</table>{WORD_CLOSES}
</td></tr></table></body></html>"""


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False)


def as_html(text: str, *, title: str = "", unsubscribe_url: str = "") -> str:
    """`text` as an e-mail page."""
    return as_page(paragraphs(text), title=title, unsubscribe_url=unsubscribe_url)


def paragraphs(text: str) -> str:
    """`text` escaped, empty lines between paragraphs, addresses of pages as links."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    return "".join(f"<p>{_linked(block).replace(chr(10), '<br>')}</p>" for block in blocks)


def _linked(block: str) -> str:
    parts, end = [], 0
    for found in rich_text.URL.finditer(block):
        address = html.escape(found.group())
        parts += [html.escape(block[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join([*parts, html.escape(block[end:])])
