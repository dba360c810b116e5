/** Languages of the pages: Chinese first, the choice kept in this browser. */

import { createI18n } from 'vue-i18n'
import en from './en'
import zh from './zh'

export type Language = 'zh' | 'en'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh' as Language,
  fallbackLocale: 'zh' as Language,
  messages: { zh, en },
})
