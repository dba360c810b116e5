"""The commands: train, export, evaluate, speed, card. `--help` tells each one's arguments."""

from tools.train_helmet.command import main

raise SystemExit(main())
