// The Logs pane.

export function LogsPane() {
  return (
    <section className="pane" aria-labelledby="logs-title">
      <h1 id="logs-title">Logs</h1>
    </section>
  );
}
