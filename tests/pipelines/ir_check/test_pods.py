"""What executors ask of Kubernetes: objects that are documented, volumes beside each other, labels and tolerations."""

import pytest

from tests.pipelines.ir_check.small import CLAIM, EXECUTORS, KEYS, POD, S3, Change, drop, faults, put

LOOK = ("kubernetes", "exec-look")
EMPTY = (*POD, "emptyDirMounts", 0)
NOWHERE = "which is documented nowhere: add it to pipelines/cluster_objects.py, and write docs/cluster.md anew"
ABSOLUTE = "is no place for a volume: give an absolute path without a colon"
VOLUME_NAME = "is no name of a volume: small letters, digits and hyphens, at most 63"
LABEL_KEY = "is no key of a label: a domain, a slash and a name of 63 at most"

CASES: dict[str, tuple[list[Change], str]] = {
    "a config map that is required": (
        [drop(*LOOK, "configMapAsEnv", 0, "optional")],
        "exec-look: configmap silencio-s3 is required, and a pod without it never starts: ask for it with "
        "optional=True: "
        "the step says what it lacks",
    ),
    "a secret that is required": (
        [put(*LOOK, "secretAsEnv", 0, "optional", to=False)],
        "exec-look: secret silencio-s3 is required, and a pod without it never starts: ask for it with "
        "optional=True: the "
        "step says what it lacks",
    ),
    "a config map that is documented nowhere": (
        [put(*LOOK, "configMapAsEnv", 0, "configMapName", to="silencio-s4")],
        f"exec-look: SILENCIO_S3_ENDPOINT is read from key endpoint of configmap silencio-s4, {NOWHERE}",
    ),
    "a key that is documented nowhere": (
        [put(*LOOK, "secretAsEnv", 0, "keyToEnv", 0, "secretKey", to="key")],
        f"exec-look: SILENCIO_S3_ACCESS_KEY is read from key key of secret silencio-s3, {NOWHERE}",
    ),
    "a variable that is documented otherwise": (
        [put(*LOOK, "configMapAsEnv", 0, "keyToEnv", 0, "envVar", to="ENDPOINT")],
        f"exec-look: ENDPOINT is read from key endpoint of configmap silencio-s3, {NOWHERE}",
    ),
    "no name of an object": (
        [put(*LOOK, "configMapAsEnv", 0, "configMapName", to="Silencio_S3")],
        "exec-look: 'Silencio_S3' is no name of a configmap: small letters, digits, hyphens and dots, at most 253",
    ),
    "an object with a name that is too long": (
        [put(*LOOK, "secretAsEnv", 0, "secretName", to="s" * 254)],
        f"exec-look: '{'s' * 254}' is no name of a secret: small letters, digits, hyphens and dots, at most 253",
    ),
    "a variable that is none": (
        [put(*EXECUTORS, "exec-look", "container", "env", to=[{"name": "1-A", "value": ""}])],
        "exec-look: '1-A' is no name of a variable: letters, digits and underscores alone",
    ),
    "a variable that is set twice": (
        [put(*EXECUTORS, "exec-look", "container", "env", to=[{"name": "SILENCIO_S3_ENDPOINT", "value": "x"}])],
        "exec-look: SILENCIO_S3_ENDPOINT is set 2 times, and the last counts: set it once",
    ),
    "a variable of the launcher": (
        [put(*EXECUTORS, "exec-look", "container", "env", to=[{"name": "KFP_POD_NAME", "value": "x"}])],
        "exec-look: KFP_POD_NAME is the launcher's own: give it another name",
    ),
    "a field of the pod that is documented nowhere": (
        [put(*POD, "fieldPathAsEnv", to=[{"name": "NODE", "fieldPath": "spec.nodeName"}])],
        "exec-part: NODE is read from the pod's spec.nodeName, which is documented nowhere: add it to "
        "pipelines/cluster_objects.py",
    ),
    "a field of the pod as a variable that is set twice": (
        [
            put(
                *POD,
                "fieldPathAsEnv",
                to=[{"name": "SILENCIO_RUN_KEY", "fieldPath": "metadata.labels['pipeline/runid']"}],
            ),
            put(*EXECUTORS, "exec-part", "container", "env", to=[{"name": "SILENCIO_RUN_KEY", "value": "x"}]),
        ],
        "exec-part: SILENCIO_RUN_KEY is set 2 times, and the last counts: set it once",
    ),
    "a claim that is documented nowhere": (
        [put(*POD, "pvcMount", 0, "constant", to="scratch")],
        "exec-part: the volume claim scratch is documented nowhere: add it to pipelines/cluster_objects.py, and write "
        "docs/cluster.md anew",
    ),
    "a claim by a parameter that is documented nowhere": (
        [
            put(
                *POD,
                "pvcMount",
                0,
                to={"pvcNameParameter": {"runtimeValue": {"constant": "more"}}, "mountPath": "/more"},
            )
        ],
        "exec-part: the volume claim more is documented nowhere: add it to pipelines/cluster_objects.py, and write "
        "docs/cluster.md anew",
    ),
    "two volumes at one place": (
        [put(*EMPTY, "mountPath", to="/data/")],
        "exec-part: another volume is mounted at /data: mount it elsewhere",
    ),
    "a volume at a place of the launcher": (
        [put(*EMPTY, "mountPath", to="/minio")],
        "exec-part: another volume is mounted at /minio: mount it elsewhere",
    ),
    "a place that is not absolute": ([put(*EMPTY, "mountPath", to="shm")], f"exec-part: 'shm' {ABSOLUTE}"),
    "a place with a colon": ([put(*EMPTY, "mountPath", to="/dev:shm")], f"exec-part: '/dev:shm' {ABSOLUTE}"),
    "no name of a volume": (
        [put(*EMPTY, "volumeName", to="shared_memory")],
        f"exec-part: 'shared_memory' {VOLUME_NAME}",
    ),
    "a volume with a name that is too long": (
        [put(*EMPTY, "volumeName", to="s" * 64)],
        f"exec-part: '{'s' * 64}' {VOLUME_NAME}",
    ),
    "two volumes with one name": (
        [put(*EMPTY, "volumeName", to="silencio-recordings")],
        "exec-part: 2 volumes are called silencio-recordings: a volume is called by its object: rename one",
    ),
    "a secret and a config map as volumes of one name": (
        [
            put(*POD, "secretAsVolume", to=[{"secretName": "keys", "mountPath": "/a"}]),
            put(*POD, "configMapAsVolume", to=[{"configMapName": "keys", "mountPath": "/b"}]),
        ],
        "exec-part: 2 volumes are called keys: a volume is called by its object: rename one",
    ),
    "a size that ends the driver": (
        [put(*EMPTY, "sizeLimit", to="8GB")],
        "exec-part: the size '8GB' of shared-memory is no amount: write it like 8Gi",
    ),
    "a size of nothing": (
        [put(*EMPTY, "sizeLimit", to="0")],
        "exec-part: the size '0' of shared-memory is no amount: write it like 8Gi",
    ),
    "a medium that there is not": (
        [put(*EMPTY, "medium", to="RAM")],
        "exec-part: there is no medium 'RAM': Memory, or none for the node's disk",
    ),
    "memory that the container has not": (
        [put(*EMPTY, "sizeLimit", to="2G")],
        "exec-part: shared-memory may take 2G of the 2G that the container has: what lies in it counts as the "
        "container's "
        "memory: raise the limit, or lower the size",
    ),
    "no key of a label": (
        [put(*POD, "nodeSelector", "labels", to={"a b": ""})],
        f"exec-part: 'a b' {LABEL_KEY}",
    ),
    "a label's key that is too long": (
        [put(*POD, "nodeSelector", "labels", to={"silencio.io/" + "p" * 64: ""})],
        f"exec-part: 'silencio.io/{'p' * 64}' {LABEL_KEY}",
    ),
    "a label's key of no domain": (
        [put(*POD, "nodeSelector", "labels", to={"Silencio/pool": ""})],
        f"exec-part: 'Silencio/pool' {LABEL_KEY}",
    ),
    "a label's key of no domain at all": (
        [put(*POD, "nodeSelector", "labels", to={"/pool": ""})],
        f"exec-part: '/pool' {LABEL_KEY}",
    ),
    "a label's key of a domain that is too long": (
        [put(*POD, "nodeSelector", "labels", to={"d" * 254 + "/pool": ""})],
        f"exec-part: '{'d' * 254}/pool' {LABEL_KEY}",
    ),
    "no value of a label": (
        [put(*POD, "podMetadata", "labels", to={"run": "a b"})],
        "exec-part: 'a b' is no value of the label run: letters and digits, 63 at most",
    ),
    "a label's value that is too long": (
        [put(*POD, "podMetadata", "labels", to={"run": "v" * 64})],
        f"exec-part: '{'v' * 64}' is no value of the label run: letters and digits, 63 at most",
    ),
    "an operator that there is not": (
        [put(*POD, "tolerations", 0, "operator", to="exists")],
        "exec-part: a toleration has the operator 'exists': Exists or Equal",
    ),
    "a toleration of anything with a value": (
        [put(*POD, "tolerations", 0, "value", to="true")],
        "exec-part: a toleration that Exists has the value 'true': take the value away",
    ),
    "a toleration of nothing": (
        [put(*POD, "tolerations", 0, to={"operator": "Equal", "value": "x"})],
        "exec-part: a toleration without a key equals nothing: name the taint, or let it be Exists",
    ),
    "an effect that there is not": (
        [put(*POD, "tolerations", 0, "effect", to="NoStart")],
        "exec-part: a toleration has the effect 'NoStart': NoSchedule, PreferNoSchedule or NoExecute",
    ),
    "seconds without an eviction": (
        [put(*POD, "tolerations", 0, "tolerationSeconds", to=60)],
        "exec-part: a toleration ends after seconds, and does not evict: seconds are for NoExecute alone",
    ),
    "a pull policy that there is not": (
        [put(*POD, "imagePullPolicy", to="always")],
        "exec-part: the pull policy 'always' is none: Always, Never or IfNotPresent",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_pod__fault_is_named(case: str) -> None:
    changes, message = CASES[case]
    assert message in faults(*changes)


@pytest.mark.parametrize("variable", ["KFP_POD_NAME", "KFP_POD_UID", "NAMESPACE", "WORKFLOW_ID", "EXECUTION_ID"])
def test_variable__of_the_launcher_is_nobody_else_s(variable: str) -> None:
    found = faults(
        put(*EXECUTORS, "exec-list", "container", "env", to=[{"name": variable}]), put("kubernetes", "exec-list", to={})
    )
    assert found == [f"exec-list: {variable} is the launcher's own: give it another name"]


@pytest.mark.parametrize("path", ["/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config", "/kfp-launcher"])
def test_mount__of_the_launcher_is_nobody_else_s(path: str) -> None:
    assert faults(put(*EMPTY, "mountPath", to=path)) == [
        f"exec-part: another volume is mounted at {path}: mount it elsewhere"
    ]


TAKEN: dict[str, list[Change]] = {
    "nothing": [put("kubernetes", to={})],
    "an object's name as long as there are": [
        put(*POD, "secretAsEnv", to=[{**KEYS, "keyToEnv": [], "secretName": "s" * 253}])
    ],
    "a volume's name as long as there are": [put(*EMPTY, "volumeName", to="s" * 63)],
    "labels as long as there are": [
        put(*POD, "nodeSelector", "labels", to={"d" * 253 + "/" + "p" * 63: "v" * 63, "a_b.c-D": "", "a/b": "A_b.c-D"})
    ],
    "a disk of any size": [put(*EMPTY, "medium", to=""), put(*EMPTY, "sizeLimit", to="100Gi")],
    "a byte": [put(*EMPTY, "sizeLimit", to="1")],
    "a disk without a size": [drop(*EMPTY, "medium"), drop(*EMPTY, "sizeLimit")],
    "memory below the container's": [put(*EMPTY, "sizeLimit", to="1999M")],
    "memory of a container without a limit": [drop(*EXECUTORS, "exec-part", "container", "resources")],
    "every toleration": [
        put(*POD, "tolerations", 0, to={"operator": "Exists"}),
        put(
            *POD,
            "tolerations",
            to=[{"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 60}],
        ),
    ],
    "a toleration of everything": [put(*POD, "tolerations", 0, to={"operator": "Exists"})],
    "a toleration without an operator": [
        put(*POD, "tolerations", 0, to={"key": "a", "value": "b", "effect": "PreferNoSchedule"})
    ],
    "a toleration that a run gives": [
        put(*POD, "tolerations", 0, to={"tolerationJson": {"componentInputParameter": "x"}})
    ],
    "every pull policy": [
        put(*POD, "imagePullPolicy", to="Always"),
        put(*LOOK, "imagePullPolicy", to="Never"),
        put("kubernetes", "exec-list", "imagePullPolicy", to="IfNotPresent"),
    ],
}


@pytest.mark.parametrize("case", TAKEN)
def test_pod__that_kubernetes_takes_is_taken(case: str) -> None:
    assert [fault for fault in faults(*TAKEN[case]) if "cached" not in fault] == []


def test_objects__of_several_keys_are_taken() -> None:
    keys = [*S3["keyToEnv"], {"configMapKey": "region", "envVar": "SILENCIO_S3_REGION"}]
    assert faults(put(*LOOK, "configMapAsEnv", 0, "keyToEnv", to=keys)) == []


def test_claim__that_a_run_names_has_a_place_and_no_name() -> None:
    named = {"pvcNameParameter": {"componentInputParameter": "claim"}, "mountPath": CLAIM["mountPath"]}
    assert [fault for fault in faults(put(*POD, "pvcMount", 0, to=named)) if "cached" not in fault] == []
