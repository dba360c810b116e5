/** The start of the pages: preferences before the first paint, then the router, then Vue. */
import { createApp } from 'vue'
import App from './App.vue'
import { i18n } from './i18n'
import { router } from './router'
import { applyPreferences } from './stores/preferences'
import './styles/tokens.css'
import './styles/base.css'

applyPreferences()
createApp(App).use(i18n).use(router).mount('#app')
