/** Texts of what is put together about an accident or an overdue hazard, in English. */
export default {
  title: 'Attendance trace and incident package', none: 'None yet. They are made by themselves once an incident is filed or a major hazard is overdue.',
  make: 'Make a package', same: 'Nothing has changed since the last version.', download: 'Download', version: 'version {n}',
  kinds: { attendance_trace: 'Attendance trace', incident_package: 'Incident package' },
  made: '{who} · {time}', machine: 'made by itself',
  window: '{first} to {last}; the day itself {day}', noSource: 'Nobody brings attendance here: every day is without data, and none an absence.',
  post: 'Post', name: 'Name', present: 'Present', absent: 'Absent', noData: 'No data', longest: 'Longest absence', alarms: 'Alarms while absent', onTheDay: 'On the day',
  days: '{n} d', states: { present: 'present', absent: 'absent', no_data: 'no data' },
}
