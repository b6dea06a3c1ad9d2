// TLS towards one server.

/** How a server's certificate is checked, and what this side shows. */
export interface TlsProfile {
  /** PEM, in addition to those of the system. */
  readonly ca: readonly string[];
  /** PEM; both or neither. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** True: any certificate will do. */
  readonly isUnverified: boolean;
}

/** The CAs of the system alone. */
export const DEFAULT_TLS: TlsProfile = {
  ca: [],
  certificate: undefined,
  key: undefined,
  isUnverified: false,
};
