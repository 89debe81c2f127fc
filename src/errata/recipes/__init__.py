"""One YAML file per experiment, shipped with the package.

In: nothing. Out: settings that `errata train NAME` starts from (`errata.config.find_recipe` looks here). Nothing
imports this room, and no code belongs here.
"""
