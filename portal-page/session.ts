/** Who is signed in: authorization code with PKCE at the managed login. Tokens live in this tab only. */
import { UserManager, WebStorageStateStore, type User } from 'oidc-client-ts';
import type { PageSettings } from './settings';

/** A signed-in visitor's access to tokens. */
export class Session {
  private readonly users: UserManager;
  private user: User | null = null;

  constructor(private readonly settings: PageSettings) {
    const store = new WebStorageStateStore({ store: window.sessionStorage });
    const page = `${window.location.origin}/`;
    const { login } = settings;
    this.users = new UserManager({
      authority: login,
      // Said here, so that the page need not ask the user pool's own address.
      metadata: {
        issuer: login,
        authorization_endpoint: `${login}/oauth2/authorize`,
        token_endpoint: `${login}/oauth2/token`,
        revocation_endpoint: `${login}/oauth2/revoke`,
      },
      client_id: settings.clientId,
      redirect_uri: page,
      response_type: 'code',
      scope: ['openid', 'email', ...settings.scopes].join(' '),
      userStore: store,
      stateStore: store,
      automaticSilentRenew: false,
    });
  }

  /** Takes up the sign-in that this page was called back for, or the one of this tab.
   * @returns whether somebody is signed in */
  async resume(): Promise<boolean> {
    const query = new URLSearchParams(window.location.search);
    if (query.has('code') || query.has('error')) {
      const address = window.location.href;
      // A code is good once: whoever reloads the page must not send it again.
      window.history.replaceState({}, '', '/');
      if (query.has('code')) this.user = await this.users.signinRedirectCallback(address).catch(() => null);
    }
    this.user ??= await this.users.getUser();
    return this.user !== null;
  }

  get email(): string {
    return this.user?.profile.email ?? '';
  }

  get token(): string {
    return this.user?.access_token ?? '';
  }

  /** Gets new tokens. @returns whether the visitor is still signed in */
  async renew(): Promise<boolean> {
    this.user = await this.users.signinSilent().catch(() => null);
    return this.user !== null;
  }

  signIn(): Promise<void> {
    return this.users.signinRedirect();
  }

  /** Forgets the tokens here, takes back the one that renews them, and ends the session at the managed login. */
  async signOut(): Promise<void> {
    await this.users.revokeTokens(['refresh_token']).catch(() => undefined);
    await this.users.removeUser();
    const query = new URLSearchParams({
      client_id: this.settings.clientId,
      logout_uri: `${window.location.origin}/`,
    });
    window.location.assign(`${this.settings.login}/logout?${query.toString()}`);
  }
}
