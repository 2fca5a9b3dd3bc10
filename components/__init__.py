"""Steps of the pipelines, one folder each: a typed signature and a short body that calls the library.

Not public: the library is `silencio`; a component is how Kubeflow Pipelines calls it.
"""
