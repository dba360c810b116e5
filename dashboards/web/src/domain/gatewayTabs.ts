/** What there is to see of a gateway: each a page below its address; others add theirs here and in the router. */

export interface GatewayTab {
  /** Its text is `gatewayPage.tabs.<key>`. */
  key: 'state' | 'configuration' | 'access'
  /** The permission without which there is nothing to see. */
  asks?: string
  to: (site: string, gateway: string) => string
}

export const GATEWAY_TABS: readonly GatewayTab[] = [
  { key: 'state', to: (site, gateway) => `/sites/${site}/gateways/${gateway}` },
  { key: 'configuration', asks: 'configuration.view', to: (site, gateway) => `/sites/${site}/gateways/${gateway}/configuration` },
  { key: 'access', to: (site) => `/sites/${site}/registry/gateways` },
]
