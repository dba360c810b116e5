/** Texts of cameras, in English. */
export default {
  title: 'Cameras', queue: 'Judge alarms', live: 'live', waiting: 'waiting for the camera', past: 'replay: the recorded numbers, no picture', zones: 'Zones', howWell: 'How well it sees', noZones: 'No zones are outlined.',
  people: 'people: {n}', bare: '{n} without a helmet', intruders: '{n} in a forbidden zone', underLoad: '{n} under a load',
  privacy: 'Boxes only: no film leaves the site. Nobody is recognised; a number ends with its track.',
  sceneWords: '{people} people in the picture, {bare} without a helmet; {zones} zones',
  notSeeing: 'does not see',
  heads: { helmet: 'helmet', bare: 'bare', unknown: 'unknown' },
  states: {
    sees: 'sees well', dark: 'too dark', covered: 'lens covered', constant: 'one colour (no signal, green)', torn: 'torn picture', frozen: 'frozen picture', moved: 'camera was moved: check its zones',
    overloaded: 'the gateway cannot keep up: slower looks', noDetector: 'no detector is usable', gone: 'no picture', unknown: 'nothing told yet',
  },
  review: {
    title: "Judge cameras' alarms", help: 'Look at the still: was the alarm right? That gives the share of false alarms; it does not judge the hazard.', keys: 'Keys: 1 right, 2 false alarm, 3 unclear; ← → go on and back',
    states: { waiting: 'Waiting', reviewed: 'Judged', all: 'All' }, device: 'Camera', every: 'All cameras',
    none: 'No alarm waits to be judged.', verdicts: { right: 'Right', wrong: 'False alarm', unclear: 'Unclear' }, said: '{author} · {time}', noPicture: 'no still', more: 'More', hazard: 'Hazard', change: 'Change',
    clip: '5 s before and after', still: 'still', no: { awaited: 'the still is on its way', erased: 'erased: its time was over', disk_full: "no still: the gateway's disk was full", disk: "no still: the gateway's disk failed", no_frame: 'no picture at that moment', eyes: 'no still could be kept', replay: 'of a replay: no still' },
    instead: { title: 'In truth:', helmet: 'Helmet was on', nothing: 'No head' },
    export: 'Export samples (ZIP)', exportHelp: 'Cut-outs of what was judged right or false, with labels, to train for this site; who exports is noted', exporting: 'Exporting…', again: 'Try again in {n} s.', now: 'You may try again now.',
  },
  view: {
    help: 'Turned back, the camera sees well again after ten seconds. Where the site itself has changed and outlines still fit, look at the view and say so here; where they do not, draw them anew.', picture: 'The view at {time}: this is what you sign for', none: 'There is no picture of the view yet, and only a picture can be accepted. It comes within a minute or two. Where none comes, still_every_s under this camera’s pictures is 0 in the gateway’s configuration, and none is ever taken: set it to 60 or more and send that; or turn the camera back, or draw anew.', awaited: 'A newer picture is on its way; only that one can be accepted.', seen: 'What was looked at', reason: 'Why (the stockpile has grown, outlines fit)', accept: 'The view is right', told: 'The gateway is told; the state follows.',
    last: 'Last accepted by {author} at {time}: {reason}',
  },
  looks: {
    title: 'Who looked at pictures', link: 'Who looked', help: 'Who was given unredacted pictures, and who exported samples: noted before the bytes go. Nothing of it is ever changed or removed.', none: 'Nobody has looked at an unredacted picture or exported samples.',
    at: 'When', author: 'Account', program: 'API token', what: 'What', camera: 'Camera', taken: 'Taken at', hazard: 'Hazard',
    kinds: { snapshot: 'unredacted still of an alarm', clip: 'unredacted clip', still: 'unredacted view', cut_outs: 'samples exported ({n})' },
  },
  figures: {
    title: 'How far to believe them (30 days)', camera: 'Camera', alarms: 'Alarms', right: 'Right', wrong: 'False', unclear: 'Unclear', share: 'False share', interval: '95 % interval {low} – {high}',
    coverage: 'Heads large enough', unknown: 'Not to be judged', none: 'none judged yet', help: "Heads large enough: the share whose side in the network's input is at least the least; few means that the camera is too far away.",
  },
  editor: {
    title: 'Zones of cameras', name: 'name of a new zone (a–z, digits, _)', draw: 'Outline', drawing: 'Click the edge of the ground in the picture: {n} corners', keep: 'Keep', drop: 'Drop', remove: 'Remove zone', corner: 'corner {n}', zh: 'Chinese name', en: 'English name', kind: 'Place',
    kinds: { site: 'ordinary', hook: 'under the hook', pit: 'pit' }, duties: { helmet: 'wear a helmet', keep_out: 'keep out', under_load: 'not under a load' },
    help: 'Drag corners; a double click on a side adds one, Delete removes it. Outline the ground: feet decide who is in. Changes go into the text, which is checked and sent as ever.',
  },
}
