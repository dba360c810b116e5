/** What a page is called in the browser's tab and history, by the name of its route. Which one it is of many, the page itself says. */

export const TITLES: Readonly<Record<string, string>> = {
  sites: 'sites.title', alarms: 'alarms.title', hazards: 'hazards.title', 'file-hazard': 'ledgers.filing.title', cycles: 'cycles.title',
  cameras: 'cameras.review.title', 'picture-looks': 'cameras.looks.title', device: 'nav.site', gateway: 'gatewayPage.one', configuration: 'gatewayPage.one',
  'device-file': 'registry.title', registry: 'registry.title', commissioning: 'profiles.commissioning.title', profiles: 'profiles.title', profile: 'profiles.title',
  'safety-log': 'duties.log.title', backtest: 'backtest.title', 'new-site': 'registry.newSite', accounts: 'accounts.title', roles: 'people.matrix',
  'own-account': 'accounts.own', told: 'telling.link', welcome: 'accounts.welcome', start: 'start.title', listing: 'ledgers.listing.title',
  incidents: 'ledgers.incidents.title', 'new-incident': 'ledgers.incidents.file', incident: 'ledgers.incidents.title', board: 'indicators.board.title',
  indicators: 'ledgers.nav.indicators', ranking: 'indicators.ranking.title', 'alarm-kpis': 'indicators.kpi.title', enforcement: 'ledgers.enforcement.title',
  inspections: 'inspections.title', sources: 'inspections.sources.title', duties: 'duties.title', rotas: 'rotas.title', reports: 'reports.title',
  report: 'reports.title', 'all-hazards': 'territory.title', inbox: 'territory.inbox', hazard: 'hazards.title', 'report-danger': 'handing.report.title',
  tips: 'handing.tips.title', tip: 'handing.tips.title', exposures: 'exposures.title', outbound: 'handing.outbound.title', 'sign-in': 'session.signIn',
  setup: 'setup.title', nowhere: 'app.notFound',
}

/** `(3) Tower crane 2 · Demo site · SiteWarden`: the page first, for a tab is narrow; how many alarms call before everything. */
export function tabTitle(calling: number, parts: readonly (string | null)[]): string {
  const name = parts.filter((part) => part).join(' · ')
  return calling ? `(${calling}) ${name}` : name
}
