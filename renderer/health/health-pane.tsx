// The Health pane.

export function HealthPane() {
  return (
    <section className="pane" aria-labelledby="health-title">
      <h1 id="health-title">Health</h1>
    </section>
  );
}
