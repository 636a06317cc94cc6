// The console's entry: theme first, then the wire, then the page.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './tokens.css';
import './base.css';
import './app.css';
import { App } from './app.tsx';
import { follow } from './follow.ts';
import { useConsole } from './stores.ts';
import { applyTheme } from './theme.ts';
import { pickWire } from './wire/pick-wire.ts';
import { tokenOf } from './wire/token.ts';

applyTheme();

const wire = pickWire();
if (wire) follow(wire);
else useConsole.setState({ connection: 'no-token' });
// A fresh link pasted into this tab changes only what stands behind the #.
addEventListener('hashchange', () => {
  if (!window.p2pliveConsole && tokenOf(location.hash) !== null) location.reload();
});

const root = document.querySelector('#root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App wire={wire} />
  </StrictMode>,
);
