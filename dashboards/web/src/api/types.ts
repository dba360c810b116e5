/** What the HTTP interface answers, from its own description (`schema.d.ts`, made by `npm run generate`). */

import type { components } from './schema'

export type Level = 1 | 2 | 3 | 4

/** The description says that a level is an integer; the pages rely on its being one of four. */
type Levelled<T> = T extends (infer Item)[] ? Levelled<Item>[]
  : T extends object ? { [Key in keyof T]: Key extends 'level' | 'worst_level' ? (number extends T[Key] ? Level : T[Key]) : Levelled<T[Key]> }
    : T

type Schemas = components['schemas']

export type Text = Schemas['TextShown']
export type Server = Schemas['ServerShown']
export type Session = Schemas['SessionShown']
export type Account = Schemas['AccountManaged']
export type Assignment = Schemas['AssignmentShown']
export type AccountChoices = Schemas['AccountChoices']
export type RolesExplained = Schemas['RolesExplained']
export type RoleExplained = Schemas['RoleExplained']
export type AccountChange = Schemas['AccountChange']
export type AccountLink = Schemas['LinkShown']
export type LinkMade = Schemas['LinkMade']
export type OwnSession = Schemas['OwnSession']
export type SecondFactor = Schemas['FactorShown']
export type ApiToken = Schemas['TokenShown']
export type SigningKey = Schemas['SigningKeyShown']
export type SiteSummary = Schemas['SiteFacts']
export type Site = Levelled<Schemas['Site']>
export type Gateway = Schemas['Gateway']
export type BusHealth = Schemas['BusShown']
export type DeviceHeard = Schemas['DeviceHeard']
export type Device = Levelled<Schemas['Device']>
export type Point = Levelled<Schemas['Point']>
export type Limit = Levelled<Schemas['Limit']>
export type Value = Schemas['Value']
export type Values = Schemas['Values']
export type Series = Schemas['Series']
export type Episode = Levelled<Schemas['Episode']>
export type Shelf = Schemas['ShelfShown']
export type AlarmRequest = Schemas['RequestShown']
export type Asked = Levelled<Schemas['Asked']>
export type WorkCycle = Schemas['WorkCycleShown']
export type CycleDay = Schemas['CycleDay']
export type Hazard = Levelled<Schemas['Hazard']>
export type HazardListed = Levelled<Schemas['HazardListed']>
export type HazardTotals = Schemas['Totals']
export type HazardList = Page<HazardListed> & { totals: HazardTotals | null }
export type Waiting = Levelled<Schemas['Waiting']>
export type Inbox = { items: Waiting[]; counts: Record<string, number>; total: number }
export type HazardDetail = Levelled<Schemas['HazardDetail']>
export type HazardEvent = Schemas['HazardEvent']
export type EvidenceSeries = Schemas['EvidenceSeries']
export type Home = Levelled<Schemas['Home']>
export type MachineFacts = Schemas['MachineFacts']
export type Statistics = Schemas['Statistics']
export type RulesInForce = Levelled<Schemas['RulesShown']>
export type RuleInForce = Levelled<Schemas['RuleShown']>
export type Backtest = Levelled<Schemas['BacktestShown']>
export type PastAlarm = Levelled<Schemas['AlarmShown']>
export type Lead = Schemas['LeadShown']
export type Trial = Schemas['Trial']
export type Replay = Schemas['Replay']
export type Access = Schemas['AccessShown']
export type GatewayAccess = Schemas['GatewayAccess']
export type EnrolmentCode = Schemas['CodeShown']
export type Channel = Schemas['ChannelShown']
export type Channels = Schemas['ChannelsShown']
export type MailTarget = Schemas['MailTarget']
export type Undelivered = Schemas['UndeliveredShown']
export type Notice = Schemas['NoticeShown']
export type Tested = Schemas['Tested']
export type RegisteredSite = Schemas['RegisteredSite']
export type TreeNode = Schemas['TreeNode']
export type DeviceFile = Schemas['DeviceFile']
export type DeviceStep = Schemas['DeviceStep']
export type LoadChart = Schemas['Chart']
export type Plan = Schemas['Plan']
export type ZoneOutline = Schemas['Zone']
export type Choices = Schemas['Choices']
export type RegistryChange = Schemas['Change']
export type Imported = Schemas['Imported']
export type Configuration = Schemas['ConfigurationShown']
export type ConfigurationVersion = Schemas['VersionShown']
export type ConfigurationWhole = Schemas['VersionWhole']
export type ConfigurationCheck = Schemas['CheckShown']
export type ConfigurationDiff = Schemas['DiffShown']
export type ConfigurationDraft = Schemas['DraftShown']
export type ConfigurationFault = Schemas['FaultShown']
export type BusLoad = Schemas['LoadShown']
export type ProfileListed = Schemas['ProfileListed']
export type Profile = Schemas['ProfileShown']
export type ProfileChecked = Schemas['ProfileChecked']
export type Denial = Schemas['DenialShown']
export type DeviceTrial = Schemas['TrialShown']
export type Commissioning = Schemas['CommissioningShown']
export type CommissioningListed = Schemas['CommissioningListed']
export type CommissioningChoices = Schemas['CommissioningChoices']
export type Rollout = Schemas['RolloutShown']
/** Whatever is not told is as it was. */
export type ReplayAsked = Pick<Schemas['ReplayAsked'], 'do'> & Partial<Schemas['ReplayAsked']>

export interface Page<T> {
  items: T[]
  next: string | null
}

/** Where a device stands is free text to the interface; these are the two shapes that can be drawn. */
export interface CraneLayout {
  kind: 'crane'
  x_m: number
  y_m: number
  jib_m: number
  counter_jib_m: number
  mast_m: number
}

export interface PitLayout {
  kind: 'pit'
  outline_m: [number, number][]
  depth_m: number
  points_m: Record<string, [number, number]>
}
export type OutOfUse = Schemas['OutOfUse']
export type OutOfUseList = Schemas['OutOfUseList']
export type Upkeep = Schemas['Upkeep']
export type Maintenance = Schemas['MaintenanceShown']
export type DeviceTask = Schemas['TaskShown']
