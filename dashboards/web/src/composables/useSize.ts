/** The size of an element in pixels, so that drawings can keep their text at one size whatever their own. */

import { onBeforeUnmount, onMounted, reactive, type Ref } from 'vue'

export function useSize(element: Ref<HTMLElement | null>): { width: number; height: number } {
  const size = reactive({ width: 0, height: 0 })
  let observer: ResizeObserver | null = null
  onMounted(() => {
    observer = new ResizeObserver(([entry]) => {
      if (entry) Object.assign(size, { width: entry.contentRect.width, height: entry.contentRect.height })
    })
    if (element.value) observer.observe(element.value)
  })
  onBeforeUnmount(() => observer?.disconnect())
  return size
}
