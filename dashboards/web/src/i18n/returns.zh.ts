/** Texts of what is put together about an accident or an overdue hazard, in Chinese. */
export default {
  title: '倒查考勤与事故资料包', none: '尚未生成。事故上报或重大隐患逾期后自动生成。',
  make: '生成资料包', same: '与上一版相同，没有新的内容。', download: '下载', version: '第 {n} 版',
  kinds: { attendance_trace: '倒查考勤', incident_package: '事故资料包' },
  made: '{who} · {time}', machine: '系统自动生成',
  window: '{first} 至 {last}，当日 {day}', noSource: '没有考勤数据来源：以下均为“无数据”，不是缺勤。',
  post: '岗位', name: '姓名', present: '到岗', absent: '缺勤', noData: '无数据', longest: '最长连续缺勤', alarms: '缺勤期间报警', onTheDay: '当日',
  days: '{n} 天', states: { present: '到岗', absent: '缺勤', no_data: '无数据' },
}
