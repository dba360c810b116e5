/** Texts of letting gateways in and shutting them out, in English. */
export default {
  title: 'Enrolment', intro: 'A code is shown once, holds for 15 minutes, works once, and dies after five tries.', getsPassword: ' Run the command below on the gateway: it gets an account and a password of its own.', getsCertificate: ' Run the command below on the gateway: it gets a certificate of its own, for a key that never leaves it.',
  gateway: 'Gateway', access: 'Access', credentials: 'Password or certificate', actions: 'Actions', none: 'No gateway is registered yet.',
  standings: { not_enrolled: 'No code used', handed_out: 'Waiting for the gateway', enrolled: 'Enrolled', expired: 'Certificate ended', revoked: 'Revoked', retired: 'Retired' },
  holds: 'certificate holds until {time}', ended: 'certificate ended {time}', given: 'certificate handed out, not used yet', age: 'issued {age} ago', never: '—', handedOut: 'new one handed out, in force by {time}', byHand: 'a password, if any, was made by hand', revokedAt: 'revoked {time}', codeOpen: 'a code is open, {left} left',
  enrol: 'Make a code', rotate: 'New credentials', again: 'Enrol again', revoke: 'Revoke', sure: 'Revoke {gateway}? It is disconnected at once and not heard any more; on site it goes on to judge and to sound.', doRevoke: 'Revoke', cancel: 'Cancel',
  code: 'Code for {gateway}', codeLabel: 'Code', left: '{left} left', over: 'The code has ended. Make a new one.', used: 'The code has been used.', command: 'Run on the gateway', copy: 'Copy', copied: 'Copied', close: 'Close',
  plain: 'This page is not encrypted (http). A gateway takes https addresses only, or --without-tls on a network of your own.',
  off: 'Enrolment is not configured: give cloud.yaml a section `enrolment`.', notTold: 'The broker has not got the newest accounts yet.', complaint: 'The broker has not got the newest accounts, and a revocation may not be in force: {why}',
  cloned: 'Two machines use this name', clonedAt: 'Last seen {time}. Look which is on site; revoke the gateway and enrol the true one again.',
}
