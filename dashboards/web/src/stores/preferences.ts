/** What this browser's user chose: language and appearance, kept across visits. */

import { ref, watchEffect } from 'vue'
import { i18n, type Language } from '@/i18n'

export type Theme = 'auto' | 'light' | 'dark'

const LANGUAGE = 'sitewarden.language'
const THEME = 'sitewarden.theme'

function stored<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  const value = localStorage.getItem(key) as T | null
  return value !== null && allowed.includes(value) ? value : otherwise
}

export const language = ref(stored<Language>(LANGUAGE, ['zh', 'en'], 'zh'))
export const theme = ref(stored<Theme>(THEME, ['auto', 'light', 'dark'], 'auto'))
/** What `auto` comes to now; charts redraw when it changes. */
export const dark = ref(false)

export function applyPreferences(): void {
  const systemDark = window.matchMedia('(prefers-color-scheme: dark)')
  const settle = () => {
    dark.value = theme.value === 'dark' || (theme.value === 'auto' && systemDark.matches)
    document.documentElement.dataset.theme = dark.value ? 'dark' : 'light'
  }
  systemDark.addEventListener('change', settle)
  watchEffect(() => {
    localStorage.setItem(THEME, theme.value)
    settle()
  })
  watchEffect(() => {
    localStorage.setItem(LANGUAGE, language.value)
    i18n.global.locale.value = language.value
    document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en'
  })
}
