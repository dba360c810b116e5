"""The two database roles: one owns the schema, the other runs the programs and cannot change it."""

OWNER_ROLE = "postgres"
"""Of the embedded server; runs the migrations and nothing else."""
APP_ROLE = "sitewarden_app"
"""All programs run as it: no superuser, so grants, triggers and row-level security hold for them."""
