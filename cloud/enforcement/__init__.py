"""What authorities do (执法记录): measures that are counted. None of them changes how a hazard stands."""
