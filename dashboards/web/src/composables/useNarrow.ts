/** Whether the page is as narrow as a phone: one drawing at a time then, and figures before drawings. */

import { readonly, ref } from 'vue'

/** The same width at which the style sheets change over. */
const phone = window.matchMedia('(max-width: 720px)')
const narrow = ref(phone.matches)
phone.addEventListener('change', () => { narrow.value = phone.matches })

export const useNarrow = () => readonly(narrow)
