import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JudgedBy } from '../../http/responses.js';

/** One method of one path. What it throws is answered by the router. */
export interface Route {
  readonly judgedBy: JudgedBy;
  /** `parameter` is the last segment of the path, where the path has one that varies. */
  handle(req: IncomingMessage, res: ServerResponse, parameter: string): Promise<void>;
}
