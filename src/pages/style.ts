/** The one stylesheet: design tokens first, light and dark, from 320 pixels up. */
export const stylesheet = `:root {
  color-scheme: light dark;
  --ground: light-dark(#fbfbf9, #16181c); --surface: light-dark(#fff, #1f2227); --ink: light-dark(#1c1e21, #eceef0);
  --quiet: light-dark(#5a6068, #a6adb6); --line: light-dark(#d9dcd6, #3a3f47); --accent: light-dark(#14578a, #8fc4ee);
  --on-accent: light-dark(#fff, #10202d); --warn: light-dark(#8a3b00, #f2b27a); --space: 1rem; --round: .5rem;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: .5rem var(--space); align-items: center; justify-content: space-between; padding: .75rem var(--space); border-block-end: 1px solid var(--line); }
header nav { display: flex; flex-wrap: wrap; gap: .5rem var(--space); align-items: center; }
header form { display: inline; }
.home { font-weight: 600; color: inherit; text-decoration: none; }
main { max-width: 38rem; margin: 0 auto; padding: calc(var(--space) * 1.5) var(--space); }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 var(--space); }
h2 { font-size: 1.05rem; margin: 1.25rem 0 .25rem; }
a { color: var(--accent); }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--round); padding: var(--space); margin-block: var(--space); }
.quiet { color: var(--quiet); } .risk { color: var(--warn); font-size: .9em; }
ul { padding-inline-start: 1.25rem; margin: .25rem 0; }
label { display: block; font-weight: 600; margin-block: .75rem .25rem; }
input:not([type=hidden]) { width: 100%; padding: .6rem; font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--quiet); border-radius: var(--round); }
button { font: inherit; padding: .65rem 1.25rem; border-radius: var(--round); border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); cursor: pointer; }
button.second { background: transparent; color: var(--accent); }
button.plain { background: none; border: 0; padding: 0; color: var(--accent); text-decoration: underline; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-block-start: var(--space); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { border-inline-start: 4px solid var(--warn); padding-inline-start: .75rem; }
code.big { display: block; font-size: 1.25rem; padding: var(--space); background: var(--surface); border: 1px solid var(--line); border-radius: var(--round); user-select: all; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem var(--space); } dt { color: var(--quiet); } dd { margin: 0; }
@media (max-width: 28rem) { dl { grid-template-columns: 1fr; } .buttons button { flex: 1; } }
`;
