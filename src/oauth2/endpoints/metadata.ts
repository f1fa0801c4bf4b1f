import type { OAuth2Dependencies } from '../parts.ts';

/** The authorization server metadata (RFC 8414 §2). */
export function serverMetadata({
  scopes,
  settings,
}: Pick<OAuth2Dependencies, 'scopes' | 'settings'>): Readonly<Record<string, unknown>> {
  const { issuer } = settings;
  const methods = ['client_secret_basic', 'client_secret_post', 'none'];
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    jwks_uri: `${issuer}/oauth2/jwks`,
    scopes_supported: scopes.allScopes().map(({ name }) => name),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: settings.grantTypes,
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_methods_supported: methods.slice(0, 2),
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    service_documentation: `${issuer}/`,
  };
}
