/** A photo made small in the page: a phone's camera makes ten times what anybody looks at, and writes the place into it. */

import { fitted } from '@/domain/photos'

const THUMB = 168

const QUALITY = 0.85

/** A JPEG without the camera's notes; what is no photo, or none that this browser can read, stays as it is. */
export async function shrunk(file: File): Promise<Blob> {
  if (!file.type.startsWith('image/')) return file
  let picture: ImageBitmap
  try {
    picture = await createImageBitmap(file, { imageOrientation: 'from-image' })
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    return file
  }
  const size = fitted(picture.width, picture.height)
  const canvas = Object.assign(document.createElement('canvas'), size)
  canvas.getContext('2d')?.drawImage(picture, 0, 0, size.width, size.height)
  picture.close()
  return await new Promise<Blob>((take) => canvas.toBlob((made) => take(made ?? file), 'image/jpeg', QUALITY))
}

/** The same as a small picture that a page may show at once; empty where this browser cannot read it. */
export async function thumbnail(picture: Blob): Promise<string> {
  try {
    const read = await createImageBitmap(picture)
    const size = fitted(read.width, read.height, THUMB)
    const canvas = Object.assign(document.createElement('canvas'), size)
    canvas.getContext('2d')?.drawImage(read, 0, 0, size.width, size.height)
    read.close()
    return canvas.toDataURL('image/jpeg', QUALITY)
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    return ''
  }
}
