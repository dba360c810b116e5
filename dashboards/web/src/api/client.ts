/** The one place that speaks HTTP: answers typed, refusals turned into one error. */

import type { Acted, EvidenceItem, Past } from './hazard'
import type { components } from './schema'
import type {
  ApiToken, SecondFactor, SigningKey, Text,
  LinkMade, OwnSession, Site,
  Access, Account, AccountChange, AccountChoices, AccountLink, AlarmRequest, Asked, Backtest, CycleDay, EnrolmentCode, Episode, Hazard, HazardList, Home, Inbox, Page, Replay, ReplayAsked, RolesExplained, RulesInForce, Series, Server, Session,
  Channel, Channels, Notice, SiteSummary, Statistics, Tested, Trial, Undelivered, WorkCycle,
  Choices, Imported, OutOfUseList, Upkeep, RegisteredSite, RegistryChange, TreeNode,
  Commissioning, CommissioningChoices, CommissioningListed, Denial, DeviceTrial, Profile, ProfileChecked, ProfileListed, Rollout,
  Configuration, ConfigurationCheck, ConfigurationDiff, ConfigurationDraft, ConfigurationVersion, ConfigurationWhole,
} from './types'

/** `body.name.zh` of a request, and what is wrong with it: in English, and as a stable word with what words may name. */
export type FieldError = components['schemas']['FieldProblem']

/** A refusal (RFC 9457) or, with status 0, no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** Stable word of what went wrong, such as `wrong-password`. */
    readonly slug: string,
    message: string,
    /** What is wrong, field by field, where the server says so. */
    readonly fields: FieldError[] = [],
    /** In so many seconds one may try again, where the server says so. */
    readonly againS: number | null = null,
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

export const ROOT = '/api/v1'

async function call<T>(method: string, path: string, body?: unknown, version?: number, key?: string): Promise<T> {
  const response = await ask(method, path, body, version, key)
  if (!response.ok) throw await refusal(response)
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
}

async function ask(method: string, path: string, body: unknown, version: number | undefined, key: string | undefined): Promise<Response> {
  try {
    return await fetch(ROOT + path, {
      method,
      credentials: 'same-origin',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
  } catch (cause) {
    if (cause instanceof TypeError) throw new ApiError(0, 'unreachable', cause.message)
    throw cause
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const again = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
  return refused(response.status, response.statusText, response.headers.get('content-type') ?? '', await response.text(), Number.isNaN(again) ? null : again)
}

function refused(status: number, statusText: string, type: string, text: string, again: number | null = null): ApiError {
  if (!type.includes('json')) return new ApiError(status, 'unexpected', statusText)
  const problem = JSON.parse(text) as { type?: string; title?: string; detail?: unknown; errors?: FieldError[] }
  const detail = typeof problem.detail === 'string' ? problem.detail : (problem.title ?? statusText)
  return new ApiError(status, problem.type?.split('/').pop() ?? 'unexpected', detail, problem.errors ?? [], again)
}

/** A file with the name that the server gives it. A link would only show that a download has failed, and not why. */
async function fetchFile(path: string): Promise<{ name: string; content: Blob }> {
  const response = await ask('GET', path, undefined, undefined, undefined)
  if (!response.ok) throw await refusal(response)
  const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1]
  try {
    return { name: name ?? 'file', content: await response.blob() }
  } catch (cause) {
    // The line broke in the middle of it.
    if (cause instanceof TypeError) throw new ApiError(0, 'unreachable', cause.message)
    throw cause
  }
}

/** A file as it is; `progress` is told from 0 to 1, which `fetch` cannot tell. */
function send<T>(path: string, file: Blob, progress: (share: number) => void, method: 'POST' | 'PUT' = 'POST'): Promise<T> {
  return new Promise((take, fail) => {
    const request = new XMLHttpRequest()
    request.open(method, ROOT + path)
    request.setRequestHeader('content-type', file.type || 'application/octet-stream')
    request.upload.onprogress = (event) => { if (event.lengthComputable) progress(event.loaded / event.total) }
    request.onerror = request.onabort = () => fail(new ApiError(0, 'unreachable', request.statusText))
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) take(JSON.parse(request.responseText) as T)
      else fail(refused(request.status, request.statusText, request.getResponseHeader('content-type') ?? '', request.responseText))
    }
    request.send(file)
  })
}

/** Names one request, so that sending it again does it once; no browser gives `randomUUID` to a page that is not encrypted. */
export function requestKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

const part = encodeURIComponent

function query(values: Record<string, string | number | null | undefined>): string {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== undefined)
  return entries.length ? `?${new URLSearchParams(entries.map(([key, value]) => [key, String(value)]))}` : ''
}

const configurationOf = (site: string, gateway: string) => `/sites/${part(site)}/gateways/${part(gateway)}/configuration`

/** What a message spoke of: one alarm, or those of a digest. */
export interface Told { episode?: string; digest?: string }

export const api = {
  server: () => call<Server>('GET', '/server'),
  session: () => call<Session>('GET', '/session'),
  signIn: (name: string, password: string, code: string | null = null) => call<Session>('POST', '/session', { name, password, code }),
  signInToDemo: () => call<Session>('POST', '/session/demo'),
  signOut: () => call<void>('DELETE', '/session'),
  setUp: (token: string, name: string, password: string) =>
    call<Session>('POST', '/setup', { token, name, password }),
  lookAtLink: (token: string) => call<AccountLink>('POST', '/account-links/look', { token }),
  useLink: (token: string, password: string, code: string | null = null) => call<Session>('POST', '/account-links/use', { token, password, code }),
  changePassword: (password: string, fresh: string) => call<void>('PUT', '/session/password', { password, new_password: fresh }),
  secondFactor: () => call<SecondFactor>('GET', '/session/second-factor'),
  beginSecondFactor: (password: string) => call<{ secret: string; uri: string }>('POST', '/session/second-factor', { password }),
  confirmSecondFactor: (code: string) => call<{ codes: string[] }>('POST', '/session/second-factor/confirm', { code }),
  renewRecoveryCodes: (password: string, code: string) => call<{ codes: string[] }>('POST', '/session/second-factor/recovery-codes', { password, code }),
  removeSecondFactor: (password: string, code: string) => call<void>('POST', '/session/second-factor/remove', { password, code }),
  ownPermissions: () => call<{ permissions: Record<string, Text> }>('GET', '/session/permissions'),
  tokens: () => call<Page<ApiToken>>('GET', '/session/tokens'),
  makeToken: (given: object) => call<{ token: string }>('POST', '/session/tokens', given),
  revokeToken: (id: number) => call<void>('DELETE', `/session/tokens/${id}`),
  signingKeys: () => call<Page<SigningKey>>('GET', '/session/signing-keys'),
  setSigningPassword: (password: string, fresh: string) => call<void>('PUT', '/session/signing-password', { password, new_password: fresh }),
  /** A page of the server's, not of these: it leads to the provider of identities. */
  elsewhereUrl: (page: string) => `${ROOT}/session/oidc${query({ page })}`,
  sessions: () => call<Page<OwnSession>>('GET', '/sessions'),
  endSession: (id: number) => call<void>('DELETE', `/sessions/${id}`),
  accounts: (asked: Record<string, string | null>, after: string | null = null) => call<Page<Account>>('GET', `/accounts${query({ ...asked, after })}`),
  account: (account: number) => call<Account>('GET', `/accounts/${account}`),
  roles: () => call<RolesExplained>('GET', '/roles'),
  accountChoices: () => call<AccountChoices>('GET', '/account-choices'),
  accountChanges: (after: string | null = null) => call<Page<AccountChange>>('GET', `/account-changes${query({ after })}`),
  inviteAccount: (given: object) => call<{ account: Account; link: LinkMade }>('POST', '/accounts', given),
  renewLink: (account: number) => call<LinkMade>('POST', `/accounts/${account}/link`, {}),
  setStanding: (account: number, what: 'disable' | 'enable' | 'resetFactor' | 'forget', reason: string) =>
    call<Account>('POST', `/accounts/${account}/${{ disable: 'disable', enable: 'enable', resetFactor: 'second-factor/reset', forget: 'identity/forget' }[what]}`, { reason }),
  giveRole: (account: number, given: object) => call<Account>('POST', `/accounts/${account}/assignments`, given),
  endRole: (account: number, assignment: number, reason: string) => call<Account>('POST', `/accounts/${account}/assignments/${assignment}/end`, { reason }),
  sites: () => call<Page<SiteSummary>>('GET', '/sites'),
  site: (site: string) => call<Site>('GET', `/sites/${part(site)}`),
  home: (site: string) => call<Home>('GET', `/sites/${part(site)}/home`),
  statistics: (site: string) => call<Statistics>('GET', `/sites/${part(site)}/statistics`),
  alarms: (site: string, state: 'active' | 'returned' | 'all', after: string | null = null, limit = 50, device: string | null = null, told: Told = {}) =>
    call<Page<Episode>>('GET', `/sites/${part(site)}/alarms${query({ state, device, after, limit, episode: told.episode ?? null, digest: told.digest ?? null })}`),
  requests: (site: string, alarm: string) => call<Page<AlarmRequest>>('GET', `/sites/${part(site)}/alarms/${part(alarm)}/requests`),
  acknowledge: (site: string, alarm: string) => call<Asked>('POST', `/sites/${part(site)}/alarms/${part(alarm)}/acknowledge`),
  shelve: (site: string, alarm: string, untilMs: number, reason: string) =>
    call<Asked>('POST', `/sites/${part(site)}/alarms/${part(alarm)}/shelve`, { until: new Date(untilMs).toISOString(), reason }),
  unshelve: (site: string, alarm: string) => call<Asked>('POST', `/sites/${part(site)}/alarms/${part(alarm)}/unshelve`, {}),
  cycles: (site: string, device: string, day: string, after: string | null = null, limit = 100) =>
    call<Page<WorkCycle>>('GET', `/sites/${part(site)}/work-cycles${query({ device, day, after, limit })}`),
  cycleDay: (site: string, device: string, day: string) => call<CycleDay>('GET', `/sites/${part(site)}/work-cycles/day${query({ device, day })}`),
  /** What a page's table shows, for a spreadsheet. */
  tableUrl: (site: string, what: 'readings' | 'alarms' | 'hazards' | 'devices' | 'notices', chosen: Record<string, string | null> = {}) =>
    `${ROOT}/sites/${part(site)}/tables/${what}.csv${query(chosen)}`,
  cycleTableUrl: (site: string, device: string, from: string, to: string) => `${ROOT}/sites/${part(site)}/work-cycles/table${query({ device, from, to })}`,
  hazards: (site: string, status: 'open' | 'all', after: string | null = null, limit = 50) =>
    call<Page<Hazard>>('GET', `/sites/${part(site)}/hazards${query({ status, after, limit })}`),
  hazard: (id: string) => call<Acted>('GET', `/hazards/${part(id)}`),
  act: (hazard: string, body: object, version: number, key: string) => call<Acted>('POST', `/hazards/${part(hazard)}/acts`, body, version, key),
  /** The editions of the standard as they stand on that day. */
  clauses: (on: string) => call<components['schemas']['ClauseEditions']>('GET', `/clauses${query({ on })}`),
  evidence: (hazard: string) => call<components['schemas']['EvidenceShown']>('GET', `/hazards/${part(hazard)}/evidence`),
  addEvidence: (hazard: string, file: Blob, stage: string, name: string, progress: (share: number) => void) =>
    send<EvidenceItem>(`/hazards/${part(hazard)}/evidence${query({ stage, name })}`, file, progress),
  evidenceUrl: (hazard: string, item: string) => `${ROOT}/hazards/${part(hazard)}/evidence/${part(item)}/file`,
  clearance: (hazard: string) => call<components['schemas']['ClearanceOfRecord']>('GET', `/hazards/${part(hazard)}/clearance`),
  past: (hazard: string) => call<Past>('GET', `/hazards/${part(hazard)}/past`),
  reports: (hazard: string) => call<components['schemas']['ReportsShown']>('GET', `/hazards/${part(hazard)}/reports`),
  allHazards: (chosen: Record<string, string | null>, after: string | null = null, limit = 50) =>
    call<HazardList>('GET', `/hazards${query({ ...chosen, after, limit })}`),
  patterns: () => call<components['schemas']['Patterns']>('GET', '/hazards/patterns'),
  /** With no room for items: the counts alone. */
  inbox: (limit = 200) => call<Inbox>('GET', `/inbox${query({ limit })}`),
  /** Without a beginning: since the point's first reading. */
  series: (site: string, point: string, fromMs: number | null, toMs: number, maxPoints = 2000) => {
    const range = { from: fromMs === null ? null : new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
    return call<Series>('GET', `/sites/${part(site)}/series${query({ point, ...range, max_points: maxPoints })}`)
  },
  rules: (site: string) => call<RulesInForce>('GET', `/sites/${part(site)}/rules`),
  backtest: (site: string, trial: Trial) => call<Backtest>('POST', `/sites/${part(site)}/backtests`, trial),
  access: (site: string) => call<Access>('GET', `/sites/${part(site)}/gateways`),
  makeCode: (site: string, gateway: string) => call<EnrolmentCode>('POST', `/sites/${part(site)}/gateways/${part(gateway)}/code`, {}),
  revokeGateway: (site: string, gateway: string) => call<void>('POST', `/sites/${part(site)}/gateways/${part(gateway)}/revocation`, {}),
  configuration: (site: string, gateway: string) => call<Configuration>('GET', configurationOf(site, gateway)),
  proposeConfiguration: (site: string, gateway: string, files: Record<string, string>, reason: string, version: number) =>
    call<ConfigurationWhole>('PUT', configurationOf(site, gateway), { files, reason }, version),
  configurationVersions: (site: string, gateway: string, after: string | null = null) =>
    call<Page<ConfigurationVersion>>('GET', `${configurationOf(site, gateway)}/versions${query({ after, limit: 20 })}`),
  configurationDiff: (site: string, gateway: string, version: number) =>
    call<ConfigurationDiff>('GET', `${configurationOf(site, gateway)}/versions/${version}/diff`),
  rollBackConfiguration: (site: string, gateway: string, to: number, reason: string, version: number) =>
    call<ConfigurationWhole>('POST', `${configurationOf(site, gateway)}/versions/${to}/rollback`, { reason }, version),
  configurationDraft: (site: string, gateway: string) => call<ConfigurationDraft>('GET', `${configurationOf(site, gateway)}/draft`),
  checkConfiguration: (site: string, gateway: string, files: Record<string, string>) =>
    call<ConfigurationCheck>('POST', `${configurationOf(site, gateway)}/check`, { files }),
  configurationCheck: (site: string, gateway: string, check: string) =>
    call<ConfigurationCheck>('GET', `${configurationOf(site, gateway)}/checks/${part(check)}`),
  channels: (site: string) => call<Channels>('GET', `/sites/${part(site)}/channels`),
  makeChannel: (given: object) => call<Channel>('POST', '/channels', given),
  changeChannel: (id: string, given: object, version: number) => call<Channel>('PUT', `/channels/${part(id)}`, given, version),
  removeChannel: (id: string, version: number) => call<void>('DELETE', `/channels/${part(id)}`, undefined, version),
  testChannel: (id: string) => call<Tested>('POST', `/channels/${part(id)}/test`, {}),
  undelivered: (site: string | null) => call<Undelivered>('GET', `/notices/undelivered${query({ site })}`),
  notices: (site: string, after: string | null = null, limit = 20) => call<Page<Notice>>('GET', `/sites/${part(site)}/notices${query({ after, limit })}`),
  makeSite: (given: object) => call<RegisteredSite>('POST', '/sites', given),
  registeredSite: (site: string) => call<RegisteredSite>('GET', `/sites/${part(site)}/registry`),
  changeSite: (site: string, given: object, version: number) =>
    call<RegisteredSite>('PUT', `/sites/${part(site)}/registry`, given, version),
  upkeep: (site: string, device: string) => call<Upkeep>('GET', `/sites/${part(site)}/devices/${part(device)}/upkeep`),
  upkeepStep: (site: string, device: string, step: string, given?: object) =>
    call<Upkeep>('POST', `/sites/${part(site)}/devices/${part(device)}/upkeep/${step}`, given),
  outOfUse: (site: string) => call<OutOfUseList>('GET', `/sites/${part(site)}/registry/out-of-use`),
  nodes: (tree: string, after: string | null = null) => call<Page<TreeNode>>('GET', `/trees/${tree}${query({ after, limit: 500 })}`),
  makeNode: (tree: string, given: object) => call<TreeNode>('POST', `/trees/${tree}`, given),
  changeNode: (tree: string, node: number, given: object, version: number) =>
    call<TreeNode>('PUT', `/trees/${tree}/${node}`, given, version),
  removeNode: (tree: string, node: number, version: number) => call<void>('DELETE', `/trees/${tree}/${node}`, undefined, version),
  choices: () => call<Choices>('GET', '/registry/choices'),
  records: <T>(site: string, kind: string, after: string | null = null, of: string | null = null) =>
    call<Page<T>>('GET', `/sites/${part(site)}/registry/${kind}${query({ after, of, limit: 200 })}`),
  record: <T>(site: string, kind: string, id: string) => call<T>('GET', `/sites/${part(site)}/registry/${kind}/${id}`),
  makeRecord: <T>(site: string, kind: string, given: object) => call<T>('POST', `/sites/${part(site)}/registry/${kind}`, given),
  changeRecord: <T>(site: string, kind: string, id: string, given: object, version: number) =>
    call<T>('PUT', `/sites/${part(site)}/registry/${kind}/${id}`, given, version),
  removeRecord: (site: string, kind: string, id: string, version: number) =>
    call<void>('DELETE', `/sites/${part(site)}/registry/${kind}/${id}`, undefined, version),
  changes: (site: string, record: string, key: string) =>
    call<Page<RegistryChange>>('GET', `/sites/${part(site)}/registry/changes${query({ record, key, limit: 30 })}`),
  bring: (site: string, what: string, asked: object) =>
    call<Imported>('POST', `/sites/${part(site)}/registry/imports/${what}`, asked),
  profiles: () => call<Page<ProfileListed>>('GET', '/profiles'),
  profile: (name: string, version: number | null = null) => call<Profile>('GET', `/profiles/${part(name)}${query({ version })}`),
  checkProfile: (text: string) => call<ProfileChecked>('POST', '/profiles/check', { text }),
  bringProfile: (text: string, reason: string) => call<Profile>('POST', '/profiles', { text, reason }),
  profileChange: (name: string, before: number, after: number) =>
    call<{ lines: string[] }>('GET', `/profiles/${part(name)}/difference${query({ before, after })}`),
  denials: () => call<Page<Denial>>('GET', '/denied-models'),
  deny: (given: object) => call<Denial>('POST', '/denied-models', given),
  liftDenial: (id: string, reason: string) => call<void>('POST', `/denied-models/${part(id)}/lift`, { reason }),
  tryProfile: (site: string, gateway: string, asked: object) => call<DeviceTrial>('POST', `/sites/${part(site)}/gateways/${part(gateway)}/trials`, asked),
  trial: (site: string, gateway: string, id: string) => call<DeviceTrial>('GET', `/sites/${part(site)}/gateways/${part(gateway)}/trials/${part(id)}`),
  commissionings: (site: string) => call<Page<CommissioningListed>>('GET', `/sites/${part(site)}/commissioning`),
  commissioningChoices: (site: string) => call<CommissioningChoices>('GET', `/sites/${part(site)}/commissioning/choices`),
  commissioning: (site: string, device: string) => call<Commissioning>('GET', `/sites/${part(site)}/devices/${part(device)}/commissioning`),
  bindDevice: (site: string, device: string, given: object, version: number) =>
    call<Commissioning>('PUT', `/sites/${part(site)}/devices/${part(device)}/commissioning/binding`, given, version),
  commissioningStep: (site: string, device: string, step: string, given: object, version?: number) =>
    call<Commissioning>('POST', `/sites/${part(site)}/devices/${part(device)}/commissioning/${step}`, given, version),
  rollouts: (site: string, profile: string) => call<Page<Rollout>>('GET', `/sites/${part(site)}/profile-rollouts${query({ profile })}`),
  beginRollout: (site: string, given: object) => call<Rollout>('POST', `/sites/${part(site)}/profile-rollouts`, given),
  rolloutStep: (site: string, rollout: string, step: 'rest' | 'back', given: object, version: number) =>
    call<Rollout>('POST', `/sites/${part(site)}/profile-rollouts/${part(rollout)}/${step}`, given, version),
  planUrl: (site: string, plan: string, sha256: string) => `${ROOT}/sites/${part(site)}/registry/images/${part(plan)}?of=${sha256.slice(0, 12)}`,
  templateUrl: (what: string, language: string) => `${ROOT}/registry/templates/${what}.csv?language=${language}`,
  packUrl: (hazard: string) => `${ROOT}/hazards/${part(hazard)}/pack`,
  replay: () => call<Replay>('GET', '/replay'),
  steer: (wanted: ReplayAsked) => call<Replay>('POST', '/replay', wanted),
  liveUrl: (site: string) => `${ROOT}/sites/${part(site)}/live`,
}

export { call, fetchFile, part, query, refusal, send }
