/** Cameras: boxes while somebody looks, alarms to be judged, how far each camera can be believed. */
import { call, fetchFile, part, query, ROOT } from './client'
import type { components } from './schema'
import type { Page } from './types'

export type Sight = components['schemas']['SightShown']
export type SeenHead = components['schemas']['HeadShown']
export type CameraAlarm = components['schemas']['CameraAlarm'] & { level: 1 | 2 | 3 | 4 }
export type Review = components['schemas']['AlarmReview']
export type Verdict = Review['verdict']
/** What a wrong alarm on a bare head shows. */
export type Instead = NonNullable<Review['shows']>
export type CameraFigures = components['schemas']['CameraFigures']
export type ReviewState = 'waiting' | 'reviewed' | 'all'

/** What a camera sees now; the gateway goes on telling for as long as this is asked again. */
export const watchCamera = (site: string, camera: string) =>
  call<Sight>('POST', `/sites/${part(site)}/cameras/${part(camera)}/watch`)

export const cameraAlarms = (site: string, state: ReviewState, device: string | null, after: string | null) =>
  call<Page<CameraAlarm>>('GET', `/sites/${part(site)}/camera-alarms${query({ state, device, after, limit: 20 })}`)

export const judgeAlarm = (site: string, episode: string, verdict: Verdict, note = '', shows: Instead | null = null) =>
  call<Review>('POST', `/sites/${part(site)}/camera-alarms/${part(episode)}/reviews`, { verdict, note, shows })

export type ViewAccepted = components['schemas']['ViewAccepted']

export type ViewShown = components['schemas']['ViewShown']

/** The newest picture of a camera's view. */
export const viewOf = (site: string, camera: string) =>
  call<ViewShown>('GET', `/sites/${part(site)}/cameras/${part(camera)}/view`)
/** The view of a camera that has moved is right as that picture shows it. */
export const acceptView = (site: string, camera: string, sha256: string, reason: string) =>
  call<ViewAccepted>('POST', `/sites/${part(site)}/cameras/${part(camera)}/views`, { sha256, reason })
export const acceptedViews = (site: string, camera: string) =>
  call<Page<ViewAccepted>>('GET', `/sites/${part(site)}/cameras/${part(camera)}/views${query({ limit: 1 })}`)

/** Cut-outs of what was judged, with labels, as an archive. */
export const cutOuts = (site: string, device: string | null) => fetchFile(`/sites/${part(site)}/camera-alarms/export${query({ device })}`)

export type PictureLook = components['schemas']['PictureLook']

/** Who was given unredacted pictures and cut-outs, the newest first. */
export const pictureLooks = (site: string, device: string | null, after: string | null) =>
  call<Page<PictureLook>>('GET', `/sites/${part(site)}/picture-looks${query({ device, after, limit: 50 })}`)

export const cameraFigures = (site: string) =>
  call<Page<CameraFigures>>('GET', `/sites/${part(site)}/camera-figures`)

export type Picture = components['schemas']['PictureShown']
export type AlarmPictures = components['schemas']['AlarmPictures']

export const picturesOf = (site: string, episode: string) =>
  call<AlarmPictures>('GET', `/sites/${part(site)}/alarms/${part(episode)}/pictures`)
export const pictureUrl = (site: string, picture: string) => `${ROOT}/sites/${part(site)}/pictures/${part(picture)}/file`
export const stillUrl = (site: string, camera: string) => `${ROOT}/sites/${part(site)}/cameras/${part(camera)}/still`
