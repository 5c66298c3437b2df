#!/usr/bin/env bash
# Says which GPUs a process of this machine sees, as Spark asks for it: {"name": "gpu", "addresses": ["0", "1"]}
#   spark.executor.resource.gpu.discoveryScript conf/spark/gpu-discovery.sh   (YARN, Kubernetes)
#   spark.worker.resource.gpu.discoveryScript   conf/spark/gpu-discovery.sh   (workers of a standalone cluster)
# An address is a number among the GPUs that the process sees, in the order of CUDA. CUDA_VISIBLE_DEVICES restricts these. With MIG, CUDA
# lets a process see one instance: give each worker its own by CUDA_VISIBLE_DEVICES=MIG-...; its address is 0.
# Ends with 1 and a message if there is no GPU.
set -euo pipefail

fail() { echo "gpu-discovery.sh: $1" >&2; exit 1; }

addresses() { # 0 to $1 - 1
  local i list=
  for ((i = 0; i < $1; i++)); do list+="${list:+, }\"$i\""; done
  echo "{\"name\": \"gpu\", \"addresses\": [$list]}"
}

command -v nvidia-smi >/dev/null \
  || fail "there is no nvidia-smi on PATH: this machine has no NVIDIA driver, or the container was started without its GPUs"
listed=$(nvidia-smi -L 2>&1) || fail "nvidia-smi -L failed: $listed"
gpus=$(grep -c '^GPU [0-9]' <<<"$listed" || true)
instances=$(grep -c '^ *MIG ' <<<"$listed" || true)
((gpus > 0)) || fail "nvidia-smi -L lists no GPU: $listed"

if [[ -n ${CUDA_VISIBLE_DEVICES+set} ]]; then
  IFS=, read -ra visible <<<"$CUDA_VISIBLE_DEVICES"
  seen=0
  for one in ${visible[@]+"${visible[@]}"}; do
    one=${one// /}
    case $one in
      MIG-*) ((seen == 0)) || fail "CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES: a process sees one MIG instance; name that one alone"
        grep -qF "$one" <<<"$listed" || break
        seen=1
        break ;;
      GPU-*) grep -qF "(UUID: $one" <<<"$listed" || break ;; # CUDA ignores an unknown one and all after it
      *) [[ $one =~ ^[0-9]+$ ]] && ((10#$one < gpus)) || break ;;
    esac
    seen=$((seen + 1))
  done
  ((seen > 0)) || fail "CUDA_VISIBLE_DEVICES='$CUDA_VISIBLE_DEVICES' hides all of the $gpus GPUs that nvidia-smi -L lists"
  addresses "$seen"
elif ((instances > 0)); then
  ((instances == 1)) || echo "gpu-discovery.sh: of $instances MIG instances a process sees the first; set CUDA_VISIBLE_DEVICES=MIG-... for" \
    "each worker to use the others" >&2
  addresses 1
else
  addresses "$gpus"
fi
