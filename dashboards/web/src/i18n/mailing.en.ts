/** Texts of handing in by mail, in English. */
export default {
  title: 'Hand in by mail', channel: 'Sent by', to: 'To', toHelp: 'Several addresses by commas or lines; empty: to the people of the channel: {people}', format: 'File', formats: { xlsx: 'Excel', csv: 'CSV' }, send: 'Send',
  onlyApproved: 'It can be sent once it is approved.', noChannel: 'There is no channel by mail. Whoever sees all sites adds one under notices.', tellsNobody: 'A demo and a replay send nothing.', none: 'Nothing was sent yet.', refresh: 'Refresh', files: 'hash of the file',
  states: { waiting: 'Waits', sending: 'On its way', sent: 'Taken by the server', rejected: 'Refused', unknown: 'No answer; it may have arrived', counted: 'Not sent singly', inhibited: 'Not sent' }, by: '{who} · {time}', dossier: 'Mail: {what}',
}
