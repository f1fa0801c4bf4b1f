/**
 * The one stylesheet: design tokens first; light and dark, either direction, from 320 pixels up,
 * and paper.
 */
export const stylesheet = `:root {
  color-scheme: light dark;
  --ground: light-dark(#fafaf7, #15171b); --surface: light-dark(#fff, #1e2126); --sunken: light-dark(#f1f2ee, #101215);
  --ink: light-dark(#1b1d20, #eceef0); --quiet: light-dark(#565c64, #a9b0b9); --line: light-dark(#d7dad3, #3a3f47);
  --accent: light-dark(#0f5488, #8fc4ee); --on-accent: light-dark(#fff, #0d1d2a);
  --warn: light-dark(#8a3b00, #f2b27a); --good: light-dark(#1c6237, #8fd3a6); --bad: light-dark(#a01722, #f5a0a4);
  --space: 1rem; --round: .5rem; --body: system-ui, sans-serif; --code: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 var(--body); overflow-wrap: anywhere; }
.skip { position: absolute; inset-inline-start: -999rem; } .skip:focus { inset-inline-start: 0; background: var(--surface); padding: .5rem 1rem; z-index: 1; }
header, footer { padding: .75rem var(--space); border-block-end: 1px solid var(--line); }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; justify-content: space-between; background: var(--surface); }
footer { border: 0; border-block-start: 1px solid var(--line); margin-block-start: 3rem; } footer:empty { display: none; }
header ul, footer ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 0; padding: 0; align-items: baseline; }
header li > a, footer li > a { display: inline-block; padding-block: .25rem; }
header form { display: inline; }
[aria-current] { color: inherit; text-decoration: none; font-weight: 600; }
.home { font-weight: 700; font-size: 1.1rem; color: inherit; text-decoration: none; padding-block: .25rem; }
main { max-width: 40rem; margin: 0 auto; padding: calc(var(--space) * 1.5) var(--space); } main.wide { max-width: 64rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 var(--space); } h2 { font-size: 1.15rem; line-height: 1.3; margin: 1.75rem 0 .5rem; }
h3, h4 { font-size: 1rem; margin: 1.25rem 0 .25rem; } .card > h2:first-child, .card > h3:first-child { margin-block-start: 0; }
p { margin: .5rem 0; } a { color: var(--accent); text-underline-offset: .15em; }
ul, ol { padding-inline-start: 1.25rem; margin: .25rem 0; } ul.plain-list { list-style: none; padding: 0; } ul.card { padding-inline-start: 2.25rem; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--round); padding: var(--space); margin-block: var(--space); }
.quiet, .help { color: var(--quiet); } .help { font-size: .9rem; margin: 0 0 .35rem; } .risk { color: var(--warn); font-size: .9em; }
.problem { border-inline-start: 4px solid var(--bad); padding-inline-start: .75rem; color: var(--bad); }
.summary { margin-block: 0 var(--space); } .summary h2 { margin: 0 0 .25rem; } .summary a { color: inherit; }
.advice { border-inline-start: 4px solid var(--warn); padding-inline-start: .75rem; color: var(--warn); }
.done { border-inline-start: 4px solid var(--good); padding-inline-start: .75rem; color: var(--good); }
.badge { display: inline-block; font-size: .85rem; line-height: 1.4; padding: 0 .55rem; border: 1px solid currentColor; border-radius: 1rem; white-space: nowrap; color: var(--quiet); }
.badge.good { color: var(--good); } .badge.warn { color: var(--warn); } .badge.bad { color: var(--bad); }
.field { margin-block: 1rem; } label, legend { font-weight: 600; } label { display: block; margin-block-end: .25rem; } legend { padding: 0; }
fieldset { border: 1px solid var(--line); border-radius: var(--round); margin: 1rem 0; padding: .75rem var(--space); min-width: 0; }
.choice { display: flex; gap: .6rem; align-items: baseline; margin-block: .4rem; font-weight: 400; } .choice input { flex: none; width: 1.15rem; height: 1.15rem; accent-color: var(--accent); transform: translateY(.2rem); }
.pair { display: flex; flex-wrap: wrap; gap: 0 1.5rem; justify-content: space-between; } .pair > :first-child { flex: 1 1 20rem; }
.choice .help { display: block; margin: 0; }
input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea { width: 100%; padding: .6rem; font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--quiet); border-radius: var(--round); }
textarea.code, pre, code { font-family: var(--code); font-size: .9em; } [aria-invalid] { border-color: var(--bad) !important; }
button, .button { display: inline-block; font: inherit; line-height: 1.4; padding: .6rem 1.2rem; border-radius: var(--round); border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); cursor: pointer; text-decoration: none; }
button.second, .button.second { background: transparent; color: var(--accent); } button.danger { background: transparent; border-color: var(--bad); color: var(--bad); }
button.plain { background: none; border: 0; padding: .25rem 0; color: var(--accent); text-decoration: underline; text-underline-offset: .15em; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin-block-start: var(--space); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
pre { background: var(--sunken); border: 1px solid var(--line); border-radius: var(--round); padding: .75rem; margin: .25rem 0; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; direction: ltr; text-align: start; max-height: 24rem; }
.copyable { display: flex; gap: .5rem; align-items: start; margin-block: .5rem; } .copyable pre { flex: 1; min-width: 0; margin: 0; }
code.big { display: block; font-size: 1.25rem; padding: var(--space); background: var(--sunken); border: 1px solid var(--line); border-radius: var(--round); user-select: all; direction: ltr; }
dl { margin: .5rem 0; } dl > div { display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; gap: .25rem var(--space); padding-block: .35rem; border-block-end: 1px solid var(--line); }
dl > div:last-child { border: 0; } dt { color: var(--quiet); } dd { margin: 0; min-width: 0; }
table { width: 100%; border-collapse: collapse; margin-block: .75rem; } caption { text-align: start; font-weight: 600; padding-block: .25rem; }
th, td { text-align: start; vertical-align: top; padding: .5rem .75rem .5rem 0; border-block-end: 1px solid var(--line); } th { color: var(--quiet); font-weight: 600; font-size: .9rem; }
th, td { overflow-wrap: break-word; } :is(th, td) :is(bdi, code) { overflow-wrap: anywhere; }
.difference td:nth-child(2) { background: light-dark(#fdecec, #3a2022); } .difference td:nth-child(3) { background: light-dark(#e9f6ec, #17301f); }
.difference td { padding-inline: .6rem; } .difference th { overflow-wrap: normal; } .filters { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; } .filters .field { flex: 1 1 10rem; margin: 0; }
.columns { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); align-items: start; } .columns > * { min-width: 0; }
.tabs { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin-block: 0 var(--space); }
.pager { display: flex; gap: 1.5rem; margin-block: 1rem; } details { margin-block: .5rem; } summary { cursor: pointer; color: var(--accent); }
@media (max-width: 34rem) {
  .pair > :nth-child(2) { margin-block-start: 0; margin-inline-start: 1.75rem; } dl > div { grid-template-columns: 1fr; gap: 0; } .buttons > button, .buttons > .button, .buttons > form { flex: 1 1 auto; text-align: center; } .buttons > form > button { width: 100%; }
  table, tbody, tr, td, tbody th, caption { display: block; } tbody th { border: 0; padding: .15rem 0; font-size: 1rem; } thead { position: absolute; inset-inline-start: -999rem; } tr { border-block-end: 1px solid var(--line); padding-block: .5rem; }
  td { border: 0; padding: .15rem 0; } td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); } .copyable { flex-wrap: wrap; } .copyable > pre { flex-basis: 100%; }
}
/* Marks piled up on a letter of a name stay near their line; the margin leaves room for focus rings. */
@supports (overflow-clip-margin: 1px) { main nav li > a { display: inline-block; max-width: 100%; } h1, h2, h3, p, dd, td, th, caption, .card, header > nav, li > a, .buttons > *, button { overflow: clip; overflow-clip-margin: .45rem; } }
@media (min-width: 50rem) { main.wide td { min-width: 6rem; } }
@media print { header, footer, button, .buttons, .skip, form { display: none !important; } body { background: #fff; color: #000; } pre { max-height: none; } .card { break-inside: avoid; } }
`;
