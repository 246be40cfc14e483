/** What the page is told about its surroundings when it is deployed. */

export interface PageSettings {
  /** Origin of the managed login. */
  readonly login: string;
  readonly clientId: string;
  /** Origin of the API. */
  readonly api: string;
  readonly scopes: readonly string[];
  readonly title?: string;
  readonly accepts: Accepted;
}

/** Which files the workflow takes. */
export interface Accepted {
  readonly suffix?: string;
  readonly maximumBytes?: number;
  readonly contentTypes: readonly string[];
}

/** @throws Error when the page was not deployed whole */
export async function loadSettings(): Promise<PageSettings> {
  const response = await fetch('/config.json', { cache: 'no-cache' });
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  return (await response.json()) as PageSettings;
}
