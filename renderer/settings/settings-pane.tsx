// The Settings pane.

export function SettingsPane() {
  return (
    <section className="pane" aria-labelledby="settings-title">
      <h1 id="settings-title">Settings</h1>
    </section>
  );
}
