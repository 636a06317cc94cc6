// Asks before something that cannot be taken back.
import { AlertDialog } from 'radix-ui';
import type { ReactNode } from 'react';

export function ConfirmDialog({
  trigger,
  title,
  detail,
  confirm,
  onConfirm,
}: {
  /** The button that opens it. */
  trigger: ReactNode;
  title: string;
  detail: string;
  confirm: string;
  onConfirm: () => void;
}) {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>{trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="veil" />
        <AlertDialog.Content className="dialog card stack">
          <AlertDialog.Title asChild>
            <h2>{title}</h2>
          </AlertDialog.Title>
          <AlertDialog.Description asChild>
            <p>{detail}</p>
          </AlertDialog.Description>
          <div className="row">
            <span className="space" />
            <AlertDialog.Cancel asChild>
              <button type="button">Cancel</button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <button type="button" className="stop" onClick={onConfirm}>
                {confirm}
              </button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
