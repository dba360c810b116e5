/** Addresses of the pages; every one of them can be sent to somebody and opens what the sender saw. */

import { createRouter, createWebHistory } from 'vue-router'
import { ApiError } from './api/client'
import { session, sessionReady } from './stores/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Reachable without being signed in. */
    open?: boolean
    /** Of no one site: of what the account sees everywhere. */
    wide?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  routes: [
    { path: '/', name: 'sites', component: () => import('./views/SitesView.vue'), meta: { wide: true } },
    {
      path: '/sites/:site', component: () => import('./views/SiteLayout.vue'), props: true,
      children: [
        { path: '', name: 'site', component: () => import('./views/SiteView.vue') },
        { path: 'alarms', name: 'alarms', component: () => import('./views/AlarmsView.vue') },
        { path: 'hazards', name: 'hazards', component: () => import('./views/HazardsView.vue') },
        { path: 'file', name: 'file-hazard', component: () => import('./views/FileHazardView.vue') },
        { path: 'cycles', name: 'cycles', component: () => import('./views/CyclesView.vue') },
        { path: 'cameras', name: 'cameras', component: () => import('./views/CamerasView.vue') },
        { path: 'cameras/looks', name: 'picture-looks', component: () => import('./views/PictureLooksView.vue') },
        { path: 'devices/:device', name: 'device', component: () => import('./views/DeviceView.vue'), props: true },
        {
          path: 'gateways/:gateway', component: () => import('./views/GatewayLayout.vue'), props: true,
          children: [
            { path: '', name: 'gateway', component: () => import('./views/GatewayView.vue') },
            { path: 'configuration', name: 'configuration', component: () => import('./views/ConfigurationView.vue'), props: true },
          ],
        },
        { path: 'registry', redirect: (to) => ({ name: 'registry', params: { site: to.params.site, part: 'devices' } }) },
        { path: 'registry/devices/:device', name: 'device-file', component: () => import('./views/DeviceFileView.vue'), props: true },
        { path: 'registry/:part(site|devices|pits|works|operators|gateways|zones|notices|import)', name: 'registry', component: () => import('./views/RegistryView.vue'), props: true },
        { path: 'registry/devices/:device/commissioning', name: 'commissioning', component: () => import('./views/CommissioningView.vue'), props: true },
        { path: 'profiles', name: 'profiles', component: () => import('./views/ProfilesView.vue') },
        { path: 'profiles/:profile', name: 'profile', component: () => import('./views/ProfileView.vue'), props: true },
        { path: 'log/:day?', name: 'safety-log', component: () => import('./views/SafetyLogView.vue'), props: true },
        { path: 'backtest', name: 'backtest', component: () => import('./views/BacktestView.vue') },
      ],
    },
    { path: '/new-site', name: 'new-site', component: () => import('./views/NewSiteView.vue'), meta: { wide: true } },
    { path: '/accounts', name: 'accounts', component: () => import('./views/AccountsView.vue'), meta: { wide: true } },
    { path: '/roles', name: 'roles', component: () => import('./views/RolesView.vue'), meta: { wide: true } },
    { path: '/account', name: 'own-account', component: () => import('./views/OwnAccountView.vue'), meta: { wide: true } },
    { path: '/told', name: 'told', component: () => import('./views/ToldView.vue'), meta: { open: true } },
    { path: '/welcome', name: 'welcome', component: () => import('./views/WelcomeView.vue'), meta: { open: true } },
    { path: '/start/:site?/:step(site|gateway|points|notices)?', name: 'start', component: () => import('./views/StartView.vue'), props: true, meta: { wide: true } },
    { path: '/listing', name: 'listing', component: () => import('./views/ListingView.vue'), meta: { wide: true } },
    { path: '/incidents', name: 'incidents', component: () => import('./views/IncidentsView.vue'), meta: { wide: true } },
    { path: '/incidents/new', name: 'new-incident', component: () => import('./views/NewIncidentView.vue'), meta: { wide: true } },
    { path: '/incidents/:id', name: 'incident', component: () => import('./views/IncidentView.vue'), props: true, meta: { wide: true } },
    { path: '/board', name: 'board', component: () => import('./views/BoardView.vue'), meta: { wide: true } },
    { path: '/indicators', name: 'indicators', component: () => import('./views/IndicatorsView.vue'), meta: { wide: true } },
    { path: '/ranking', name: 'ranking', component: () => import('./views/RankingView.vue'), meta: { wide: true } },
    { path: '/alarm-kpis', name: 'alarm-kpis', component: () => import('./views/AlarmKpisView.vue'), meta: { wide: true } },
    { path: '/enforcement', name: 'enforcement', component: () => import('./views/EnforcementView.vue'), meta: { wide: true } },
    { path: '/inspections', name: 'inspections', component: () => import('./views/InspectionsView.vue'), meta: { wide: true } },
    { path: '/sources', name: 'sources', component: () => import('./views/SourcesView.vue'), meta: { wide: true } },
    { path: '/duties', name: 'duties', component: () => import('./views/DutiesView.vue'), meta: { wide: true } },
    { path: '/rotas', name: 'rotas', component: () => import('./views/RotasView.vue'), meta: { wide: true } },
    { path: '/reports', name: 'reports', component: () => import('./views/ReportsView.vue'), meta: { wide: true } },
    { path: '/reports/:id', name: 'report', component: () => import('./views/ReportView.vue'), props: true, meta: { wide: true } },
    { path: '/hazards', name: 'all-hazards', component: () => import('./views/TerritoryView.vue'), meta: { wide: true } },
    { path: '/inbox', name: 'inbox', component: () => import('./views/InboxView.vue'), meta: { wide: true } },
    { path: '/hazards/:id', name: 'hazard', component: () => import('./views/HazardView.vue'), props: true },
    { path: '/report', name: 'report-danger', component: () => import('./views/ReportDangerView.vue'), meta: { open: true } },
    { path: '/tips', name: 'tips', component: () => import('./views/TipsView.vue'), meta: { wide: true } },
    { path: '/tips/:id', name: 'tip', component: () => import('./views/TipView.vue'), props: true, meta: { wide: true } },
    { path: '/exposures', name: 'exposures', component: () => import('./views/ExposuresView.vue'), meta: { wide: true } },
    { path: '/outbound', name: 'outbound', component: () => import('./views/OutboundView.vue'), meta: { wide: true } },
    { path: '/sign-in', name: 'sign-in', component: () => import('./views/SignInView.vue'), meta: { open: true } },
    { path: '/setup', name: 'setup', component: () => import('./views/SetUpView.vue'), meta: { open: true } },
    { path: '/:rest(.*)*', name: 'nowhere', component: () => import('./views/NotFoundView.vue'), meta: { open: true } },
  ],
})

router.beforeEach(async (to) => {
  try {
    await sessionReady()
  } catch (error) {
    // Without a server there is nothing to guard; the page that opens says that it cannot be reached.
    if (error instanceof ApiError) return to.meta.open ? true : { name: 'sign-in', query: { next: to.fullPath } }
    throw error
  }
  if (session.value?.needs_second_factor && !to.meta.open && to.name !== 'own-account') return { name: 'own-account' }
  if (to.meta.open || session.value) return true
  return { name: 'sign-in', query: { next: to.fullPath } }
})
