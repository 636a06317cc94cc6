// Keeps a pane's fault to that pane: says so, and lets it be tried again, while the rest of the console goes on.
import { Component, type ReactNode } from 'react';

interface Props {
  /** A fault is forgotten when another pane is opened. */
  pane: string;
  children: ReactNode;
}

export class PaneGuard extends Component<Props, { pane: string; fault: string | null }> {
  override state = { pane: this.props.pane, fault: null as string | null };

  static getDerivedStateFromError(error: unknown): { fault: string } {
    return { fault: error instanceof Error ? error.message : String(error) };
  }

  static getDerivedStateFromProps(props: Props, state: { pane: string }): { pane: string; fault: null } | null {
    return props.pane === state.pane ? null : { pane: props.pane, fault: null };
  }

  override render(): ReactNode {
    const { fault } = this.state;
    if (fault === null) return this.props.children;
    return (
      <div className="empty" role="alert">
        <h1>This pane could not be shown</h1>
        <p>The rest of the console goes on. After an update of the control plane, loading the page again helps.</p>
        <p className="mono">{fault}</p>
        <div className="row">
          <button type="button" className="primary" onClick={() => location.reload()}>
            Load the page again
          </button>
          <button type="button" onClick={() => this.setState({ fault: null })}>
            Try this pane again
          </button>
        </div>
      </div>
    );
  }
}
