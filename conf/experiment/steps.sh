#!/bin/bash
# Prints the experiment's commands, for `jobs/submit demo --config`. On each task: a plan of every method at every K, and each
# plan scored under every router rule that fits its method, without a model of it. Each line names every option that matters.
set -eu

step() {
  echo "  \"$*\""
}

echo "steps = ["
step tokenize --config experiment/tokenize
step pretrain --model base --config experiment/pretrain
step finetune --stage prefinetune --from base --model flan --task flan --config experiment/prefinetune
for task in flan superglue/boolq; do
  step dump-logits --model flan --task "$task" --tokens 60000 --outputs 8000
  step prune --from flan --task "$task" --method uncurl,m-smoe,hc-smoe,frequency,gate-mass,reap --experts 8,4,2 --seed 1 \
    --plan-only
  step prune --from flan --task "$task" --method random --experts 8,4,2 --seed 1,2,3 --plan-only
  step evaluate --model flan --task "$task" --limit 300 --plan all --router all --align on --against flan --margin 0.01
done
echo "]"
echo "queries = []"
