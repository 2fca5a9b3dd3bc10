"""A reserve's months, made up: devices, weather, animals and a model, with disturbances of known cause and size."""
