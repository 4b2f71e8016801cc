package validate

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const kubernetes = "../../configs/kubernetes"

// kinds are the objects we write. A kind that is not here is an error, so that
// none goes unchecked; nil: its definition is not ours to know (KEDA's).
func kinds() map[string]func() any {
	return map[string]func() any{
		"v1/Namespace":                           func() any { return new(corev1.Namespace) },
		"v1/ServiceAccount":                      func() any { return new(corev1.ServiceAccount) },
		"v1/ConfigMap":                           func() any { return new(corev1.ConfigMap) },
		"v1/Secret":                              func() any { return new(corev1.Secret) },
		"v1/Service":                             func() any { return new(corev1.Service) },
		"apps/v1/Deployment":                     func() any { return new(appsv1.Deployment) },
		"batch/v1/Job":                           func() any { return new(batchv1.Job) },
		"policy/v1/PodDisruptionBudget":          func() any { return new(policyv1.PodDisruptionBudget) },
		"autoscaling/v2/HorizontalPodAutoscaler": func() any { return new(autoscalingv2.HorizontalPodAutoscaler) },
		"networking.k8s.io/v1/NetworkPolicy":     func() any { return new(networkingv1.NetworkPolicy) },
		"networking.k8s.io/v1/Ingress":           func() any { return new(networkingv1.Ingress) },
		"keda.sh/v1alpha1/ScaledObject":          nil,
	}
}

// A misspelt field is silently dropped by a cluster: a probe that is not there,
// a limit that does not hold.
func TestKubernetesIsStrictlyValid(t *testing.T) {
	for _, overlay := range []string{"base", "overlays/development", "overlays/production"} {
		t.Run(overlay, func(t *testing.T) {
			objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(kubernetes, overlay))
			if err != nil {
				t.Fatal(err)
			}
			pods := 0
			for _, r := range objects.Resources() {
				name := strings.TrimPrefix(r.GetApiVersion()+"/"+r.GetKind(), "/")
				text, err := r.AsYAML()
				if err != nil {
					t.Fatal(err)
				}
				make, known := kinds()[name]
				switch {
				case !known:
					t.Errorf("%s %s: give this kind its type here", name, r.GetName())
					continue
				case make == nil:
					continue
				}
				object := make()
				if err := yaml.UnmarshalStrict(text, object); err != nil {
					t.Errorf("%s %s: %v", name, r.GetName(), err)
				}
				if spec := podOf(object); spec != nil {
					pods++
					for _, fault := range restricted(*spec) {
						t.Errorf("%s %s: %s", name, r.GetName(), fault)
					}
				}
			}
			if pods < 3 {
				t.Errorf("%d pods, not an api, a worker and a migration", pods)
			}
		})
	}
}

func podOf(object any) *corev1.PodSpec {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template.Spec
	case *batchv1.Job:
		return &o.Spec.Template.Spec
	}
	return nil
}

// restricted is what the Pod Security Standard of that name asks for, and that
// the root file system is read only and every container has limits.
func restricted(p corev1.PodSpec) (faults []string) {
	say := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	s := p.SecurityContext
	say(s != nil && s.RunAsNonRoot != nil && *s.RunAsNonRoot, "runAsNonRoot is not true")
	say(s != nil && s.RunAsUser != nil && *s.RunAsUser > 0, "runAsUser is root")
	say(s != nil && s.SeccompProfile != nil && s.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault, "seccompProfile is not RuntimeDefault")
	say(!p.HostNetwork && !p.HostPID && !p.HostIPC, "it shares namespaces of the host")
	say(p.AutomountServiceAccountToken != nil && !*p.AutomountServiceAccountToken, "it gets a token of the cluster")
	for _, v := range p.Volumes {
		say(v.ConfigMap != nil || v.EmptyDir != nil || v.Secret != nil || v.Projected != nil, "volume %s is of a kind that is not allowed", v.Name)
	}
	for _, c := range slices.Concat(p.InitContainers, p.Containers) {
		k := c.SecurityContext
		say(k != nil && k.AllowPrivilegeEscalation != nil && !*k.AllowPrivilegeEscalation, "%s may escalate", c.Name)
		say(k != nil && k.ReadOnlyRootFilesystem != nil && *k.ReadOnlyRootFilesystem, "%s may write its file system", c.Name)
		say(k != nil && k.Capabilities != nil && slices.Contains(k.Capabilities.Drop, "ALL") && len(k.Capabilities.Add) == 0, "%s keeps capabilities", c.Name)
		say(!c.Resources.Requests.Cpu().IsZero() && !c.Resources.Limits.Memory().IsZero(), "%s has no requests and limits", c.Name)
		say(strings.Contains(c.Image, ":"), "%s: the image %q has no tag", c.Name, c.Image)
	}
	return faults
}

// What the test above finds it must find.
func TestStrictMeansStrict(t *testing.T) {
	err := yaml.UnmarshalStrict([]byte("spec: {template: {spec: {terminationGraceSeconds: 5}}}"), new(appsv1.Deployment))
	if err == nil || !strings.Contains(err.Error(), "terminationGraceSeconds") {
		t.Errorf("a field that does not exist was taken: %v", err)
	}
	if len(restricted(corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}})) < 9 {
		t.Error("a pod without any security was found fine")
	}
}
