// A log for servers under test: silent, unless P2PLIVE_LOG_LEVEL says otherwise.
import { createLog, type Log } from '../../servers/shared/log.ts';

export const quietLog = (): Log => createLog('test', process.env['P2PLIVE_LOG_LEVEL'] ?? 'silent');
