/** The portal's routes for API Gateway, which lets nothing else through: test/portal compares them with the application's. */
import type { PortalScope } from './caller';

/** One route, and the scope that a token needs for it. */
export interface PortalRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly scope: PortalScope;
}

export const portalRoutes: readonly PortalRoute[] = [
  { method: 'POST', path: '/uploads', scope: 'write' },
  { method: 'GET', path: '/uploads', scope: 'read' },
  { method: 'GET', path: '/uploads/{id}', scope: 'read' },
  { method: 'DELETE', path: '/uploads/{id}', scope: 'write' },
  { method: 'GET', path: '/uploads/{id}/parts', scope: 'write' },
  { method: 'POST', path: '/uploads/{id}/parts', scope: 'write' },
  { method: 'POST', path: '/uploads/{id}/complete', scope: 'write' },
  { method: 'GET', path: '/uploads/{id}/results', scope: 'read' },
  { method: 'GET', path: '/uploads/{id}/results/{index}', scope: 'read' },
  { method: 'GET', path: '/openapi.json', scope: 'read' },
];
