/** Texts of the rota page, in English. */
export default {
  title: 'Rotas', help: 'Who is on duty when. Red is a gap: in a gap everybody who holds the role is told, so nothing is lost.', none: 'There is no rota yet.', noneHelp: 'Without a rota everybody who holds the role is told.',
  view: 'Show', week: 'A week', month: '31 days', previous: 'Earlier', next: 'Later', today: 'Today',
  now: 'On duty now', following: 'Next', nobody: 'nobody', nobodyNow: 'Nobody is on duty now: everybody who holds the role is told', until: 'until {time}', from: 'from {time}', stays: 'the same for two weeks', everybody: 'all {n}',
  gap: 'Next gap within two weeks', noGap: 'No gap within two weeks', noHolders: 'Nobody holds this role here: give it to somebody under Accounts first', former: '{names}: no longer in this role; their hours count as a gap',
  byDuty: 'Told to whoever is on duty alone: {kinds}', notByDuty: 'No notice goes to whoever is on duty in this role alone: this is a plan, and everybody who holds the role is told',
  new: 'New rota', place: 'Place', sites: 'Sites', territories: 'Territories', enterprises: 'Enterprises', role: 'Role', create: 'Create', cancel: 'Cancel', save: 'Save', zone: 'Time zone',
  edit: 'Edit shifts', shifts: 'Shifts of the week', days: 'Days', begins: 'From', ends: 'To', overnight: 'the day after', person: 'Person', addShift: 'Add a shift', removeShift: 'Remove the shift', noShifts: 'No shifts yet. Add the first one, such as Monday to Friday 08:00–20:00.', allDay: 'all day',
  standIn: 'Stand in', standInHelp: 'In place of everybody in these hours; choose nobody to call them off.', starts: 'From', stops: 'To', reason: 'Reason', nobodyChoice: 'Nobody (called off)', apply: 'Apply',
  swap: 'Swap', swapHelp: 'Two persons change places, each for a whole span.', swapWith: 'With which hours of whom', fill: 'Fill the gap',
  overrides: 'Stand-ins and swaps', end: 'End', cancelled: 'nobody', by: '{author}: {reason}', remove: 'Remove the rota', removeSure: 'Afterwards everybody who holds the role is told. Remove it?', reallyRemove: 'Remove it',
  weekdays: { d0: 'Mo', d1: 'Tu', d2: 'We', d3: 'Th', d4: 'Fr', d5: 'Sa', d6: 'Su' }, chosen: 'Chosen hours', pick: 'Choose a span to have somebody stand in, or to swap it.', unknown: 'left',
}
