// Why the coordinate does not take the stream, as one sentence and one action, and whether trying again may help. Pure.

export interface LinkFailure {
  /** false: trying again would end the same way. */
  retry: boolean;
  reason: string;
  action: string;
}

export const SILENT: LinkFailure = {
  retry: true,
  reason: 'The server takes nothing more: the connection hangs.',
  action: 'Wait, or check the network.',
};

export const NOWHERE: LinkFailure = {
  retry: true,
  reason: 'The server that takes the stream is not ready yet.',
  action: 'Wait for it, or choose another destination.',
};

/** Answers that trying again would not change. */
const FINAL_STATUS = [400, 401, 403, 404, 405, 411, 413, 415];

const ACTIONS: Readonly<Record<number, string>> = {
  401: 'Correct the stream key.',
  403: 'Correct the stream key.',
  404: 'Correct the address of the server.',
  405: 'Correct the address of the server.',
  409: 'Stop the other encoder, or choose another name.',
  413: 'Choose a smaller preset.',
  415: 'Choose another preset or encoder.',
};

/** A refusal in the server's own words where it has any. */
export function answered(status: number, text: string): LinkFailure {
  const said = text.trim().split('\n')[0]?.trim() ?? '';
  const isSentence = said !== '' && !said.startsWith('<');
  return {
    retry: !FINAL_STATUS.includes(status),
    reason: isSentence ? said.slice(0, 500) : `The server ended the stream with status ${status}.`,
    action: ACTIONS[status] ?? 'Look at the log of the server.',
  };
}

const CAUSES: Readonly<Record<string, [reason: string, action: string]>> = {
  ECONNREFUSED: ['nothing listens there', 'Start it, or correct the address.'],
  ENOTFOUND: ['its name is unknown', 'Correct the address of the server.'],
  EAI_AGAIN: ['names can not be looked up', 'Check the network.'],
  ETIMEDOUT: ['it does not answer', 'Check the network and the firewall.'],
  EHOSTUNREACH: ['there is no way to it', 'Check the network and the firewall.'],
  ENETUNREACH: ['there is no network', 'Check the network.'],
  ENETDOWN: ['there is no network', 'Check the network.'],
  ECONNRESET: ['it closed the connection', 'Look at the log of the server.'],
  EPIPE: ['it closed the connection', 'Look at the log of the server.'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is not trusted', 'Install a certificate that this computer trusts.'],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is not trusted', 'Install a certificate that this computer trusts.'],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'Renew the certificate of the server.'],
};

export function unreachable(error: Error): LinkFailure {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const [cause, action] = CAUSES[code] ?? [error.message.slice(0, 200), 'Check the network.'];
  return { retry: true, reason: `The coordinate is not there (${cause}).`, action };
}
