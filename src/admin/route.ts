// One thing that the admin server answers. Routes are made where what they tell is known, and handed to admin-server.ts.

/** Whoever may open that is an operator. */
export const CONTROL_SOCKET = 'control socket';

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Who asks, for the audit log: `CONTROL_SOCKET`, or the address of who has shown the token. */
  readonly by: string;
}

export interface AdminReply {
  readonly status: number;
  /** Media type. */
  readonly type: string;
  readonly body: string | Uint8Array;
}

export interface AdminRoute {
  readonly method: 'GET' | 'POST';
  /** Without a query, compared as it stands. */
  readonly path: string;
  /** `operator`: only by the control socket, or with the token. */
  readonly needs: 'nothing' | 'operator';
  answer(request: AdminRequest): Promise<AdminReply>;
}

export function jsonReply(value: unknown, status = 200): AdminReply {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}
