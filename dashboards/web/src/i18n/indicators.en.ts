/** Texts of indicators, the board and figures of alarms, in English. */
export default {
  unknown: '—', age: 'As of {time}', ageNow: 'updated {age}', stale: 'Out of date: the server cannot be reached', place: 'Place', all: 'All', back: 'Back', show: 'Show', close: 'Fold', at: 'To the end of', now: 'Now', formula: 'Formula', aim: 'Aim', trend: 'Last 12 months', csv: 'Export', declare: 'declare a source', timesBack: 'back {n} times',
  lights: { green: 'Fine', amber: 'Look', red: 'Bad', unknown: 'Unknown' },
  fewer: 'Fewer found, less looked: fewer new ones, and fewer inspections or speaking devices. It does not show that it is safer.',
  records: '{n} records', noRecords: 'No records', ofAll: '{count} of {of}',
  units: { days: 'days', hours: 'h', minutes: 'min', seconds: 's' },
  ranking: {
    title: 'Ranking', by: 'Compare', territory: 'Parts of the territory', enterprise: 'Enterprises', none: 'There are no parts below to compare.', noneEnterprise: 'There are no enterprises to compare.', rank: 'Rank', name: 'Name', score: 'Score', sites: 'Projects', records: 'Major hazards', tooFew: 'too little is known: not ranked', weight: 'weight {n}', why: 'The score is the weighted mean of the components that are known. Not ranked with fewer than {records} major hazards, or where less than {weight} of the weights is known.', limits: 'all points from {good} up, none at {bad} and below', limitsLess: 'all points at {good} and below, none from {bad} up', points: '{n} points', indicators: 'Indicators',
  },
  board: {
    title: 'Board', screen: 'Large screen', leave: 'Leave large screen', open: 'Open major', overdue: 'Overdue', proposed: 'To be judged', listed: 'Listed', general: 'General', alarms: 'Alarms, level 3+', silent: 'Silent gateways', sites: '{n} projects', blind: '{n} unwatched', due: 'Next due', late: 'Overdue', targets: 'Days counted back', left: '{n} days left', today: 'today', none: 'There is nothing below.', total: 'Total',
    clear: 'No major hazard', blinds: 'Unwatched projects', noBlinds: 'Every project in progress has an authority, an officer and a gateway that is heard.', noAuthority: 'no authority', noOfficer: 'no officer', noGateway: 'no gateway heard', blindsOf: '{m} of {n} projects in progress',
  },
  kpi: {
    title: 'Alarm figures', span: 'Last', days: '{n} d', alarms: 'Alarms', perTen: 'Per ten minutes (a site)', most: 'Most in ten minutes', floods: 'Floods', floodShare: 'Time in flood', chattering: 'Chattering', stale: 'Standing for days', top: 'Most frequent', topShare: 'Share of the top ten', shelved: 'Shelved now', acknowledged: 'Acknowledged in time', median: 'Median to acknowledge', hours: 'Alarms an hour', none: 'None', times: '{n} times', chatters: 'chattered {n} times', since: 'since {time}', wanted: 'What is wanted, and who says so', good: 'Target', cut: 'There are too many alarms: only the newest are counted.', flood: '{from} to {to}, {n} alarms', confidence: 'confidence: {word}', perHour: '{time}: {n}', mostAnHour: 'at most {n} an hour',
  },
}
