/** Which one of many a page shows, for the browser's tab: a record's number, a device's name. */

import { onScopeDispose, ref, watchEffect } from 'vue'

export const pageName = ref<string | null>(null)

/** Of the page that stands; forgotten with it. */
export function usePageName(name: () => string | null | undefined): void {
  watchEffect(() => { pageName.value = name() ?? null })
  onScopeDispose(() => { pageName.value = null })
}
