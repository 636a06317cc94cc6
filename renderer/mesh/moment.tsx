// Says when what is shown is not now, and leads back.
import { clockTime } from '../format.ts';
import { lookAt, useHistory } from '../stores.ts';
import './shared.css';

export function Moment() {
  const cursorMs = useHistory((history) => history.cursorMs);
  const isRead = useHistory((history) => history.tablesAt !== null);
  const problem = useHistory((history) => history.problem);
  if (cursorMs === null) return null;
  return (
    <div className="note moment" data-tone="warn" role="status">
      <strong>{clockTime(cursorMs)}, in the past</strong>
      <span>{problem ?? (isRead ? 'Shown as it was then.' : 'Reading that moment.')}</span>
      <span className="space" />
      <button type="button" onClick={() => lookAt(null)}>
        Back to live
      </button>
    </div>
  );
}
