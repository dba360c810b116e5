/** Names of the roles, in English, as the server's list of roles has them; a test compares. */
import type zh from './roles.zh'

const en: typeof zh = {
  admin: 'Administrator',
  viewer: 'Viewer',
  province_authority: 'Provincial department',
  city_authority: 'Prefecture authority',
  county_authority: 'County authority',
  enforcement_officer: 'Enforcement officer',
  township_officer: 'Township officer',
  enterprise_principal: 'Enterprise principal',
  safety_director: 'Safety director',
  project_manager: 'Project manager',
  safety_officer: 'Safety officer',
  supervision_engineer: 'Supervision engineer',
  construction_owner: 'Construction owner',
  equipment_company: 'Equipment owner, lessor, installer, maintainer',
  monitoring_body: 'Monitoring or testing body',
  equipment_operator: 'Equipment operator',
  safety_informant: 'Safety informant',
  expert: 'Expert',
  platform_operator: 'Platform operator',
  vendor_integrator: 'Vendor integrator',
  auditor: 'Auditor',
}
export default en
