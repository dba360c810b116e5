/** Texts of indicators, the board and figures of alarms, in English. */
export default {
  unknown: '—', age: 'As of {time}', ageNow: 'updated {age}', stale: 'Out of date: the server cannot be reached', place: 'Place', all: 'All', back: 'Back', show: 'Show', close: 'Fold', at: 'Cut-off', now: 'Now', formula: 'Formula', aim: 'Aim', trend: 'Last 12 months', csv: 'Export',
  missing: { inspections: 'nobody is declared to keep inspections', enterprise_checks: 'nobody is declared to keep self-checks', gateways: 'no gateway in service', gateways_then: 'whether they were online then was not noted' },
  lights: { green: 'Fine', amber: 'Look', red: 'Bad', unknown: 'Unknown' },
  fewer: 'Fewer found, less looked: fewer new ones, and fewer inspections or speaking devices. It does not show that it is safer.',
  records: '{n} records', noRecords: 'No records', ofAll: '{count} of {of}',
  units: { days: 'days', minutes: 'min', seconds: 's' },
  parts: {
    all_old: 'old in all', old_closed: 'closed', open: 'open major ones', new_this_month: 'new this month', new_same_month_last_year: 'same month last year', new_per_ten_projects: 'new per ten projects', cleared: 'cleared', days_since_overdue: 'since any was overdue', days_since_open: 'since any was open',
    enterprises: 'enterprises', devices: 'devices', days_left: 'left of the round', projects_missing: 'projects not inspected', in_time: 'in time by the first date', in_time_by_extension: 'only by an extension', median_days: 'median', first_review_passed: 'passed at first review', reopened: 'reopened', general: 'general ones rectified',
    median_minutes: 'median until reported', listed_overdue: 'listed and overdue', missed_by_self_check: 'missed by self-checks', top_repeater: 'came back most often', complete: 'data complete', alarms_1: 'level 1', alarms_2: 'level 2', alarms_3: 'level 3', alarms_4: 'level 4', to_acknowledge: 'mean to acknowledge', to_clear: 'mean to clear', false_alarms: 'false alarms', to_cloud_p95: 'to cloud, p95', unjudged_late: 'not judged in time',
    caught_before_limit: 'caught before the limit', median_lead_minutes: 'median lead',
  },
  board: {
    title: 'Board', screen: 'Large screen', leave: 'Leave large screen', open: 'Open major', overdue: 'Overdue', proposed: 'To be judged', listed: 'Listed', general: 'General', alarms: 'Alarms, level 3+', silent: 'Silent gateways', sites: '{n} projects', blind: '{n} unwatched', due: 'Next due', late: 'Overdue', targets: 'Days counted back', left: '{n} days left', today: 'today', none: 'There is nothing below.', total: 'Total',
    clear: 'No major hazard', blinds: 'Unwatched projects', noBlinds: 'Every project in progress has an authority, an officer and a gateway that is heard.', noAuthority: 'no authority', noOfficer: 'no officer', noGateway: 'no gateway heard', blindsOf: '{m} of {n} projects in progress',
  },
  kpi: {
    title: 'Alarm figures', span: 'Last', days: '{n} days', alarms: 'Alarms', perTen: 'Per ten minutes (a site)', most: 'Most in ten minutes', floods: 'Floods', floodShare: 'Time in flood', chattering: 'Chattering', stale: 'Standing for days', top: 'Most frequent', topShare: 'Share of the top ten', shelved: 'Shelved now', acknowledged: 'Acknowledged in time', median: 'Median to acknowledge', hours: 'Alarms an hour', none: 'None', times: '{n} times', chatters: 'chattered {n} times', since: 'since {time}', wanted: 'What is wanted, and who says so', good: 'Target', cut: 'There are too many alarms: only the newest are counted.', flood: '{from} to {to}, {n} alarms', confidence: 'confidence: {word}', perHour: '{time}: {n}',
  },
}
