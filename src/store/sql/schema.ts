/**
 * Tables as SQL knows them. Instants are whole Unix seconds, booleans 0 or 1, lists JSON text.
 * snake_case stays inside this room.
 */
export interface Schema {
  accounts: {
    id: number;
    name: string;
    /** The name as it is compared: lower case. */
    name_key: string;
    email: string | null;
    email_confirmed_at: number | null;
    real_name: string;
    groups: string;
    password_hash: string | null;
    blocked: number;
    created_at: number;
    language: string | null;
  };
  settings: { name: string; value: string };
  sessions: {
    digest: string;
    user_id: number;
    created_at: number;
    expires_at: number;
    /** Null in rows of a program that did not write it. */
    active_at: number | null;
    ends_at: number | null;
    agent: string;
    address: string;
    proven_at: number | null;
    proven_by: string | null;
  };
  account_tokens: {
    digest: string;
    kind: string;
    user_id: number | null;
    data: string;
    expires_at: number;
  };
  passkeys: {
    id: string;
    user_id: number;
    public_key: string;
    counter: number;
    transports: string;
    label: string;
    created_at: number;
    last_used_at: number | null;
  };
  review_claims: { client_id: string; reviewer_id: number; at: number };
  failures: { id: number; client_id: string; kind: string; at: number; facts: string };
  limits: { key: string; hits: number; expires_at: number };
  clients: {
    number: number;
    id: string;
    name: string;
    version: string;
    description: string;
    owner_id: number;
    email: string;
    protocol: string;
    owner_only: number;
    confidential: number;
    redirect_uri: string;
    redirect_is_prefix: number;
    grant_types: string;
    pkce_optional: number;
    introspector: number;
    plain_pkce_until: number | null;
    token_algorithm: string;
    site: string;
    scopes: string;
    optional_scopes: string;
    rsa_public_key: string | null;
    restrictions: string;
    stage: string;
    stage_at: number;
    suppressed: number;
    suspension: string;
    registered_at: number;
    /** Counts the changes of the row. */
    changes: number;
  };
  client_secrets: {
    id: number;
    client_id: string;
    label: string;
    digest: string;
    sealed: string | null;
    created_at: number;
    expires_at: number | null;
  };
  revisions: {
    id: number;
    client_id: string;
    stage: string;
    /** JSON of the whole description. */
    fields: string;
    proposed_by: number | null;
    proposed_at: number;
    closed_at: number | null;
  };
  /** `revision_id` 0: the client itself. */
  approvals: {
    client_id: string;
    revision_id: number;
    reviewer_id: number;
    at: number;
    subject: string;
  };
  /** Parts in an app that may be over. */
  involvements: { client_id: string; user_id: number; part: string; until: number };
  invitations_declined: { user_id: number };
  maintainers: {
    client_id: string;
    user_id: number;
    invited_by: number | null;
    invited_at: number;
    accepted_at: number | null;
  };
  offers: { client_id: string; to_id: number; offered_by: number | null; offered_at: number };
  audit: {
    id: number;
    at: number;
    action: string;
    actor_id: number | null;
    via: string;
    address: string | null;
    client_id: string;
    edition: number;
    reason: string;
    changes: string;
  };
  audit_chain: { id: number; hash: string; late: number };
  notices: {
    id: number;
    key: string;
    target: string;
    facts: string;
    state: string;
    created_at: number;
    attempts: number;
    due_at: number;
    problem: string | null;
    encrypted_email: string | null;
    expires_at: number | null;
  };
  last_used: { kind: string; id: string; day: number };
  usage: { client_id: string; hour: number; calls: number };
  consents: {
    id: number;
    user_id: number;
    client_id: string;
    site: string;
    scopes: string;
    accepted_at: number;
  };
  token_credentials: { token: string; consent_id: number; secret_sealed: string };
  authorization_requests: {
    digest: string;
    client_id: string;
    user_id: number;
    request: string;
    expires_at: number;
  };
  /** Requests of people who have not signed in yet. */
  kept_requests: { digest: string; path: string; expires_at: number };
  nonces: { key: string; expires_at: number };
  /** Nonces that expired by then may have been taken away. */
  purged_until: { kind: string; until: number };
  /** One row: the last moment that was noted, and since when time has not jumped. */
  time_kept: {
    id: number;
    seen_ms: number;
    run_ms: number | null;
    boot: string | null;
    steady_since: number;
  };
  temporary_credentials: {
    token: string;
    client_id: string;
    secret_sealed: string;
    callback: string;
    expires_at: number;
    user_id: number | null;
    consent_id: number | null;
    verifier_digest: string | null;
    used: number;
  };
  codes: {
    digest: string;
    client_id: string;
    user_id: number;
    consent_id: number;
    family_id: string;
    redirect_uri: string | null;
    scopes: string;
    code_challenge: string | null;
    code_challenge_method: string | null;
    profile: string;
    issued_at: number;
    expires_at: number;
    used: number;
  };
  access_tokens: {
    id: string;
    client_id: string;
    user_id: number | null;
    consent_id: number | null;
    family_id: string | null;
    scopes: string;
    grant_type: string;
    issued_at: number;
    expires_at: number;
    revoked: number;
  };
  refresh_tokens: {
    digest: string;
    family_id: string;
    client_id: string;
    user_id: number;
    consent_id: number;
    scopes: string;
    access_token_id: string;
    profile: string;
    issued_at: number;
    expires_at: number;
    used_at: number | null;
    answer_sealed: string | null;
  };
  revoked_families: { id: string; revoked_at: number };
}

/** A row of a table, as a query for all its columns answers it. */
export type Row<T extends keyof Schema> = Schema[T];
